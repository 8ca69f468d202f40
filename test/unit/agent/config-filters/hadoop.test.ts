import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flumes, LISTS, planTexts, S, C, K } from '../planning.ts';

test('C1.28 the hadoop filter is refused by name, with a way out', async () => {
  const text = `a1.configfilters = h\na1.configfilters.h.type = hadoop\na1.configfilters.h.credential.provider.path = jceks://file/x\n${LISTS}${S}${C}${K}`;
  const { problems } = await planTexts([text], 'millrace');
  assert.match(problems[0]?.sentence ?? '', /hadoop.*need a JVM.*"external"/);
  assert.equal((await flumes(text)).verdict, 'ok');
});
