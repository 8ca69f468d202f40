import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addPlugins, withoutConsequences, type AllRegistries } from '../../../../agent/plugins/of-configuration.ts';
import { effectiveProperties, type Effective } from '../../../../agent/configuration/effective.ts';
import { problem, renderProblems } from '../../../../agent/problems/problems.ts';
import { define } from '../../../../core/define.ts';
import { Registry } from '../../../../core/registry.ts';
import { loggerLike } from '../plugins-fixture.ts';

function registries(): AllRegistries {
  return {
    sources: new Registry('source', []),
    channels: new Registry('channel', []),
    sinks: new Registry('sink', [define('sink', { types: ['null'], summary: '', options: {}, create: loggerLike })]),
    interceptors: new Registry('interceptor', []),
    selectors: new Registry('selector', []),
    sinkProcessors: new Registry('sink processor', []),
    serializers: new Registry('serializer', []),
    deserializers: new Registry('deserializer', []),
    httpHandlers: new Registry('http handler', []),
    configFilters: new Registry('config filter', []),
  };
}

function read(text: string): Promise<Effective> {
  return effectiveProperties([{ name: 'x.conf', bytes: Buffer.from(text) }], 'millrace', { env: new Map(), systemProperties: new Map() });
}

test('a plug-in that is not there is an error at the type that names it', async () => {
  const effective = await read('a1.sinks = k1\na1.sinks.k1.type = ./missing.js\n');
  const problems = await addPlugins(effective, registries(), { confDirectories: ['/nowhere'], pluginsPath: [] });
  assert.equal(
    renderProblems(problems, effective.texts, false).split('\n')[0],
    'x.conf:2:20  error  M038  there is no module ./missing.js in /nowhere',
  );
});

test('nothing is looked for where every type is known', async () => {
  const effective = await read('a1.sinks = k1\na1.sinks.k1.type = NULL\n');
  assert.deepEqual(await addPlugins(effective, registries(), { confDirectories: [], pluginsPath: ['/nowhere'] }), []);
});

test('a plug-in that cannot be used is told once: its type is not called unknown as well', async () => {
  const effective = await read('a1.sinks.k1.type = ./missing.js\na1.sinks.k2.type = loger\n');
  const problems = await addPlugins(effective, registries(), { confDirectories: ['/nowhere'], pluginsPath: [] });
  const [first, second] = [...effective.properties.values()].map(({ origin }) =>
    problem('M013', { sentence: 'is no sink type', place: origin.valuePlace() }),
  );
  assert.ok(first && second);
  assert.deepEqual(withoutConsequences([first, second], problems), [second]);
});
