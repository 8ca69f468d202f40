import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadPlugins, pluginReferences } from '../../../agent/plugins/plugins.ts';
import { Batch } from '../../../core/batch.ts';
import type { PartContext } from '../../../core/component.ts';
import type { Logger } from '../../../core/log.ts';
import { readOptions } from '../../../core/read-options.ts';
import { Registry } from '../../../core/registry.ts';
import { unknownTypeHint } from '../../../agent/plugins/references.ts';
import { root } from '../../harness/agent.ts';

const log: Logger = { error() {}, warn() {}, info() {}, debug() {}, event() {}, ready: async () => {} };
const context: PartContext = { name: 'x', log, count() {} };

test('the example of conf/ loads, and its interceptor masks long numbers only', async () => {
  const { Properties } = await import('properties-file/parser');
  const text = await readFile(join(root, 'conf/plugin.properties'), 'utf8');
  const properties = new Properties(text).nodes.flatMap((node) => (node.type === 'property' ? [[node.key, node.value] as const] : []));
  const registries = {
    source: new Registry('source', []),
    channel: new Registry('channel', []),
    sink: new Registry('sink', []),
    interceptor: new Registry('interceptor', []),
    selector: new Registry('selector', []),
    'sink processor': new Registry('sink processor', []),
    serializer: new Registry('serializer', []),
    deserializer: new Registry('deserializer', []),
    'http handler': new Registry('http handler', []),
  };
  const references = pluginReferences(properties);
  const report = await loadPlugins({ references, registries, confDirectories: [join(root, 'conf')], pluginsPath: [] });
  assert.deepEqual(report.problems, []);
  assert.deepEqual(report.loaded.map(({ types }) => types[0]), ['mask-digits', 'console-sink']);

  const definition = registries.interceptor.find('./plugins/mask-digits.js') ?? assert.fail();
  const { values, problems } = readOptions(definition as never, new Map([['minDigits', '13']]));
  assert.deepEqual(problems, []);
  const interceptor = await definition.create?.(context, values as never);
  const headers = new Map([['a', 'b']]);
  const bodies = ['card 4111111111111111, order 123456789012', 'nothing', 'caf\u00e9 0000000000000'];
  const result = interceptor?.intercept(Batch.of(bodies.map((body) => ({ body: Buffer.from(body), headers })))) ?? assert.fail();
  assert.deepEqual(
    [...result].map(({ body }) => body.toString()),
    ['card ****************, order 123456789012', 'nothing', 'caf\u00e9 *************'],
  );
  assert.equal(result.header(2, 'a'), 'b');
  const mask = readOptions(definition as never, new Map([['mask', 'xx']]));
  assert.deepEqual(mask.problems.map(({ key, sentence }) => [key, sentence]), [['mask', 'must be one character']]);
});

test('an unknown Java class is answered with how to write and map a plug-in, a path with how paths are written', () => {
  assert.match(unknownTypeHint('sink', 'com.acme.MySink') ?? '', /docs\/plugins\.md.*plugins\.json.*\{ "com\.acme\.MySink": "\.\/my-sink\.js" \}/);
  assert.match(unknownTypeHint('sink processor', 'com.acme.P') ?? '', /"\.\/my-sink-processor\.js"/);
  assert.equal(unknownTypeHint('config filter', 'com.acme.F'), undefined);
  assert.match(unknownTypeHint('sink', 'my-sink.js') ?? '', /\.\/my-sink\.js/);
  assert.equal(unknownTypeHint('sink', 'loger'), undefined);
  assert.equal(unknownTypeHint('sink', '__proto__'), undefined);
});
