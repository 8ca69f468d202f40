import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpHandler } from '../../../../../core/component.ts';
import { BadRequestError } from '../../../../../core/errors.ts';
import { parametersHandler } from '../../../../../sources/http/handlers/parameters.ts';
import { create, FakeContext } from '../../../../conformance/fakes.ts';

const request = { contentType: undefined, headers: new Map<string, string>() };

test('HT-20 HT-21 a request with its mandatory parameters is one event, one without is refused', async () => {
  const handler: HttpHandler = await create(parametersHandler, { mandatoryParameters: 'param1,param2' }, new FakeContext());
  const parameters = new Map([['param1', 'value1'], ['param2', 'value2']]);
  const batch = await handler.handle({ ...request, body: Buffer.from('a,b,c'), parameters });
  assert.deepEqual([...batch].map(({ headers, body }) => [[...headers], body.toString()]), [[[...parameters], 'a,b,c']]);
  assert.throws(() => handler.handle({ ...request, body: Buffer.from('a\tb\tc'), parameters: new Map([['param1', 'x']]) }), BadRequestError);
});

test('without mandatory parameters none is asked for', async () => {
  const handler: HttpHandler = await create(parametersHandler, {}, new FakeContext());
  assert.equal((await handler.handle({ ...request, body: Buffer.from('x'), parameters: new Map() })).size, 1);
});
