import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadPlugins, pluginReferences, type PluginRegistries, type PluginReport, type PluginRequest } from '../../../../agent/plugins/plugins.ts';
import { Batch } from '../../../../core/batch.ts';
import type { PartContext } from '../../../../core/component.ts';
import { define } from '../../../../core/define.ts';
import type { Logger } from '../../../../core/log.ts';
import { readOptions } from '../../../../core/read-options.ts';
import { Registry } from '../../../../core/registry.ts';
import { loggerLike } from '../plugins-fixture.ts';

const log: Logger = { error() {}, warn() {}, info() {}, debug() {}, event() {}, ready: async () => {} };
const context: PartContext = { name: 'a1.sinks.k1', log, count() {} };

function registries(): PluginRegistries {
  return {
    source: new Registry('source', []),
    channel: new Registry('channel', []),
    sink: new Registry('sink', [
      define('sink', { types: ['logger', 'org.apache.flume.sink.LoggerSink'], summary: '', options: {}, create: loggerLike }),
      define('sink', { types: ['hbase', 'org.apache.flume.sink.hbase.HBaseSink'], summary: '', options: {} }),
    ]),
    interceptor: new Registry('interceptor', []),
    selector: new Registry('selector', []),
    'sink processor': new Registry('sink processor', []),
    serializer: new Registry('serializer', []),
    deserializer: new Registry('deserializer', []),
    'http handler': new Registry('http handler', []),
  };
}

async function folderWith(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-plugins-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text, { mode: 0o644 });
  }
  return folder;
}

/** Loads what a sink's `type` names, in a folder of its own. */
async function loadSink(
  t: TestContext,
  type: string,
  files: Readonly<Record<string, string>>,
  more: Partial<PluginRequest> = {},
): Promise<PluginReport & { readonly folder: string; readonly registries: PluginRegistries }> {
  const folder = await folderWith(t, files);
  const request: PluginRequest = {
    references: [{ key: 'a1.sinks.k1.type', kind: 'sink', type }],
    registries: registries(),
    confDirectories: [folder],
    pluginsPath: [join(folder, 'plugins.d')],
    ...more,
  };
  return { ...(await loadPlugins(request)), folder, registries: request.registries };
}

function isReady(definition: object | undefined): boolean {
  return definition !== undefined && 'create' in definition;
}

const SINK = `export const plugin = ({ define, integer }) => define('sink', {
  types: ['acme', 'com.acme.MySink'],
  summary: 'For the tests.',
  options: { retries: integer({ default: 3, min: 0, doc: 'Attempts.' }) },
  create: (context, { retries }) => ({ retries, async write() {} }),
});\n`;

test('a path beside the configuration names a plug-in, whose options are read like ours', async (t) => {
  const { registries, problems, loaded, folder } = await loadSink(t, './my-sink.mjs', { 'my-sink.mjs': SINK });
  assert.deepEqual(problems, []);
  assert.deepEqual(loaded, [{ path: join(folder, 'my-sink.mjs'), kind: 'sink', types: ['acme', 'com.acme.MySink'] }]);
  const definition = registries.sink.find('./my-sink.mjs') ?? assert.fail('it is not found by its path');
  assert.equal(registries.sink.find('ACME'), definition);
  const reading = readOptions(definition as never, new Map([['retries', 'many'], ['retires', '2']]));
  assert.deepEqual(
    reading.problems.map(({ key, fault, known }) => ({ key, fault, known })),
    [
      { key: 'retries', fault: 'bad', known: undefined },
      { key: 'retires', fault: 'unknown', known: ['retries'] },
    ],
  );
  const product = await definition.create?.(context as never, { retries: 5 } as never);
  assert.equal(product?.batchSize, 100, 'what may be left out is filled in');
  await product?.start();
  await product?.stop();
});

test('paths are found absolute, as file:, without extension, and in --conf after the folder of the file', async (t) => {
  const other = await folderWith(t, { 'deep/my-sink.js': `module.exports = { kind: 'sink', create: () => ({ write() {} }) };\n` });
  for (const type of [join(other, 'deep/my-sink.js'), `file://${other}/deep/my-sink.js`, './my-sink', './my-sink.js', '../deep/my-sink.js']) {
    const { registries, problems } = await loadSink(t, type, {}, { confDirectories: ['/nowhere', join(other, 'deep')] });
    assert.deepEqual(problems, [], type);
    assert.ok(isReady(registries.sink.find(type)), type);
  }
});

test('TypeScript plug-ins, default exports, lists and async functions', async (t) => {
  const files = {
    'a.ts': `import type { Sink } from 'millrace';\nexport default async () => { const kind: string = 'sink'; return { kind, types: 'ts', create: () => ({ async write(): Promise<void> {} }) }; };\n`,
    'b.mjs': `export default [
      { kind: 'sink', types: ['two-a'], create: () => ({ write() {} }) },
      { kind: 'interceptor', types: ['two-b'], create: () => ({ intercept: (batch) => batch }) },
    ];\n`,
    'c.mjs': `export const one = { kind: 'sink', types: ['c1'], create: () => ({ write() {} }) };\nexport const helper = 3;\n`,
  };
  for (const type of ['./a.ts', './b.mjs', './c.mjs']) {
    const { registries, problems } = await loadSink(t, type, files);
    assert.deepEqual(problems, [], type);
    assert.ok(isReady(registries.sink.find(type)), type);
  }
  const { registries } = await loadSink(t, './b.mjs', files);
  assert.ok(registries.interceptor.find('two-b'));
});

test('import from millrace is this program, so that its batches are our batches', async (t) => {
  const text = `import { Batch, define, RejectedError } from 'millrace';
export default define('interceptor', { types: ['imp'], summary: '', options: {}, create: () => ({ intercept: (batch) => Batch.of(batch) }) });\n`;
  const folder = await folderWith(t, { 'imp.mjs': text });
  const target = registries();
  const report = await loadPlugins({
    references: [{ key: 'a1.sources.r1.interceptors.i1.type', kind: 'interceptor', type: './imp.mjs' }],
    registries: target,
    confDirectories: [folder],
    pluginsPath: [],
  });
  assert.deepEqual(report.problems, []);
  const product = await target.interceptor.find('imp')?.create?.(context, {} as never);
  const result = product?.intercept(Batch.of([{ body: Buffer.from('a'), headers: new Map() }]));
  assert.ok(result instanceof Batch);
});

test('a Java class name is mapped by plugins.json, by plugins.properties, by the file name, and by the plug-in itself', async (t) => {
  const type = 'com.acme.MySink';
  const ways: readonly Readonly<Record<string, string>>[] = [
    { 'plugins.json': `{ "${type}": "./x/my-sink.mjs" }`, 'x/my-sink.mjs': SINK },
    { 'plugins.properties': `# mapped\n${type} = ./x/my-sink.mjs\n`, 'x/my-sink.mjs': SINK },
    { 'plugins.d/plugins.json': `{ "${type}": "./my-sink.mjs" }`, 'plugins.d/my-sink.mjs': SINK },
    { [`plugins.d/${type}.mjs`]: SINK.replace(", 'com.acme.MySink'", '') },
    { 'plugins.d/any-name.mjs': SINK },
  ];
  for (const files of ways) {
    const { registries, problems } = await loadSink(t, type, files);
    assert.deepEqual(problems, [], Object.keys(files).join());
    assert.ok(isReady(registries.sink.find(type)), Object.keys(files).join());
  }
});

test('a mapped interceptor class may be written with its $Builder', async (t) => {
  const folder = await folderWith(t, {
    'plugins.json': '{ "com.acme.Mask": "./mask.mjs" }',
    'mask.mjs': `export default { kind: 'interceptor', create: () => ({ intercept: (batch) => batch }) };\n`,
  });
  const all = registries();
  const type = 'com.acme.Mask$Builder';
  const { problems } = await loadPlugins({
    references: [{ key: 'k', kind: 'interceptor', type }],
    registries: all,
    confDirectories: [folder],
    pluginsPath: [],
  });
  assert.deepEqual(problems, []);
  assert.ok(all.interceptor.find(type));
});

test('packages are found in plug-in folders, and in node_modules only if they say that they are plug-ins', async (t) => {
  const index = `module.exports = { kind: 'sink', types: ['from-package'], create: () => ({ write() {} }) };\n`;
  const found: readonly Readonly<Record<string, string>>[] = [
    { 'plugins.d/acme-sink/package.json': '{ "main": "lib/main.js" }', 'plugins.d/acme-sink/lib/main.js': index },
    { 'plugins.d/acme-sink/package.json': '{ "exports": { ".": { "import": "./m.cjs" } } }', 'plugins.d/acme-sink/m.cjs': index },
    { 'plugins.d/acme-sink/index.js': index },
    { 'node_modules/acme-sink/package.json': '{ "keywords": ["millrace-plugin"] }', 'node_modules/acme-sink/index.js': index },
  ];
  for (const files of found) {
    const { registries, problems } = await loadSink(t, 'acme-sink', files);
    assert.deepEqual(problems, [], Object.keys(files).join());
    assert.ok(isReady(registries.sink.find('acme-sink')), Object.keys(files).join());
  }
  const { registries, loaded } = await loadSink(t, 'acme-sink', {
    'node_modules/acme-sink/package.json': '{}',
    'node_modules/acme-sink/index.js': 'throw new Error("this must not run");\n',
  });
  assert.equal(registries.sink.find('acme-sink'), undefined);
  assert.deepEqual(loaded, []);
});

test('MILLRACE_PLUGINS names modules, which are loaded in any case, and folders', async (t) => {
  const folder = await folderWith(t, { 'one.mjs': SINK, 'more/two.mjs': SINK.replaceAll('acme', 'other') });
  const variable = `${folder}/one.mjs:${folder}/more:${folder}/missing`;
  const { registries, problems } = await loadSink(t, 'other', {}, { variable });
  assert.ok(registries.sink.find('com.acme.MySink'));
  assert.ok(registries.sink.find('other'));
  assert.deepEqual(problems.map(({ path }) => path), [`${folder}/missing`]);
});

test('G11 core modules, __proto__, constructor, plain files and paths that are not written as paths load nothing', async (t) => {
  const files = { 'evil.mjs': SINK, 'sub/evil.mjs': SINK, 'data.txt': 'x', 'fs.js': 'throw new Error("this must not run");\n' };
  for (const type of ['fs', 'node:fs', 'child_process', '__proto__', 'constructor', 'toString', 'evil.mjs', 'sub/evil.mjs', 'x/../../evil', 'a b']) {
    const { registries, loaded, problems } = await loadSink(t, type, files);
    assert.deepEqual([loaded, problems, registries.sink.find(type)], [[], [], undefined], type);
  }
  for (const type of ['./data.txt', '/etc/passwd', './missing.mjs', '.', '/']) {
    const { loaded, problems, registries } = await loadSink(t, type, files);
    assert.deepEqual([loaded, registries.sink.find(type)], [[], undefined], type);
    if (type !== '.') assert.deepEqual(problems.map(({ key, severity }) => [key, severity]), [['a1.sinks.k1.type', 'error']], type);
  }
});

test('types that are known load nothing; one that Flume has and we do not is replaced by a mapping only', async (t) => {
  const mapping = { 'plugins.json': '{ "org.apache.flume.sink.LoggerSink": "./x.mjs", "hbase": "./x.mjs" }', 'x.mjs': SINK };
  assert.deepEqual((await loadSink(t, 'org.apache.flume.sink.LoggerSink', mapping)).loaded, []);
  const { registries, problems } = await loadSink(t, 'hbase', mapping);
  assert.deepEqual(problems, []);
  assert.equal(registries.sink.find('hbase')?.types[0], 'acme');
  assert.equal((await loadSink(t, 'hbase', { 'plugins.d/hbase.mjs': SINK })).loaded.length, 0);
});

test('what is wrong with a plug-in is told with its file, its reason and the key that asked for it', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [`throw new Error('no database');\n`, /cannot be loaded: no database \(\/.*bad\.mjs:1\)$/],
    [`export const plugin = () => {\n  null.x;\n};\n`, /cannot be loaded: Cannot read properties of null.*bad\.mjs:2\)$/],
    [`export const = 3;\n`, /cannot be loaded: Unexpected token '=' \(node --check shows the line\)$/],
    [`import 'not-installed-here';\nexport default {};\n`, /cannot be loaded: Cannot find package 'not-installed-here'/],
    [`export const x = 1;\n`, /exports nothing that is a definition/],
    [`export default 42;\n`, /exports a number where a definition was expected$/],
    [`export default class Sink {}\n`, /cannot be loaded: Class constructor Sink/],
    [`export default { kind: 'snik' };\n`, /whose kind is the text "snik"; it must be one of source, channel, sink/],
    [`export default { kind: 'sink' };\n`, /has a sink without a "create" function$/],
    [`export default { kind: 'sink', types: ['a b'], create() {} };\n`, /whose "types" is not a list of names/],
    [`export default { kind: 'sink', types: ['logger'], create() {} };\n`, /has a sink called logger, which there is already$/],
    [`export default { kind: 'sink', options: { a: [] }, create() {} };\n`, /whose option "a" is a list; make it with/],
    [`export default { kind: 'sink', batchSizeOption: 'toString', create() {} };\n`, /whose batchSizeOption names no option/],
    [`export default { kind: 'interceptor', create() {} };\n`, /has no sink$/],
    [`export default ['a', 'b'].map((t) => ({ kind: 'sink', types: [t], create() {} }));\n`, /has more than one sink: name the one that is meant, of a, b$/],
  ];
  for (const [text, sentence] of cases) {
    const { problems, folder } = await loadSink(t, './bad.mjs', { 'bad.mjs': text });
    assert.deepEqual(problems.map(({ key, path }) => [key, path]), [['a1.sinks.k1.type', join(folder, 'bad.mjs')]], text);
    assert.match(problems[0]?.sentence ?? '', sentence);
    assert.ok(problems[0]?.sentence.includes(join(folder, 'bad.mjs')));
  }
  for (const text of ['[]', '{', '{ "a": 3 }']) {
    const { problems, folder } = await loadSink(t, 'com.acme.X', { 'plugins.json': text });
    assert.deepEqual(problems.map(({ path }) => path), [join(folder, 'plugins.json')]);
  }
  const { problems } = await loadSink(t, 'com.acme.X', { 'plugins.json': '{ "com.acme.X": "./gone.mjs" }' });
  assert.match(problems[0]?.sentence ?? '', /plugins\.json maps com\.acme\.X to \.\/gone\.mjs, which is not there$/);
});

test('G10 a plug-in that everybody may change is warned of', async (t) => {
  const folder = await folderWith(t, { 'open.mjs': SINK });
  await chmod(join(folder, 'open.mjs'), 0o666);
  const { problems } = await loadSink(t, join(folder, 'open.mjs'), {});
  assert.deepEqual(problems.map(({ severity }) => severity), ['warning']);
});

test('a second load finds the same definitions again, as a reload of the configuration does', async (t) => {
  const folder = await folderWith(t, { 'again.mjs': SINK });
  const request: PluginRequest = {
    references: [{ key: 'a1.sinks.k1.type', kind: 'sink', type: './again.mjs' }],
    registries: registries(),
    confDirectories: [folder],
    pluginsPath: [],
  };
  await loadPlugins(request);
  const before = request.registries.sink.find('./again.mjs');
  assert.deepEqual(await loadPlugins(request), { loaded: [], problems: [] });
  assert.equal(request.registries.sink.find('./again.mjs'), before);
  assert.ok(before);
});

test('products that cannot work are refused when they are made, and an interceptor when it returns no batch', async (t) => {
  const { registries } = await loadSink(t, './p.mjs', {
    'p.mjs': `export default [
      { kind: 'sink', types: ['p'], create: () => ({}) },
      { kind: 'interceptor', types: ['i'], create: () => ({ intercept: () => [] }) },
      { kind: 'serializer', types: ['s'], create: () => 3 },
    ];\n`,
  });
  await assert.rejects(async () => registries.sink.find('p')?.create?.(context as never, {} as never), /made a sink of type p that has no "write"/);
  await assert.rejects(async () => registries.serializer.find('s')?.create?.(context, {} as never), /made a number for a serializer of type s/);
  const interceptor = await registries.interceptor.find('i')?.create?.(context, {} as never);
  assert.throws(() => interceptor?.intercept(Batch.of([])), /returned a list from "intercept" of i; it must be a batch/);
});

test('options may be given as plain values', async (t) => {
  const { registries, problems } = await loadSink(t, './hurry.mjs', {
    'hurry.mjs': `export default { kind: 'sink', options: { prefix: '> ', times: 2, loud: false }, create: (_c, values) => ({ values, write() {} }) };\n`,
  });
  assert.deepEqual(problems, []);
  const definition = registries.sink.find('hurry') ?? assert.fail();
  const reading = readOptions(definition as never, new Map([['times', '3'], ['loud', 'true']]));
  assert.deepEqual({ ...(reading.values as object | undefined) }, { prefix: '> ', times: 3, loud: true });
});

test('references are the types of every kind that plug-ins can add to', () => {
  const references = pluginReferences([
    ['a1.sources.r1.type', ' ./s.js '],
    ['a1.sources.r1.interceptors.i1.type', 'x'],
    ['a1.sources.r1.selector.type', 'y'],
    ['a1.channels.c1.type', 'memory'],
    ['a1.sinks.k1.type', 'file_roll'],
    ['a1.sinks.k1.sink.serializer', 'z'],
    ['a1.sinks.k2.serializer', 'w'],
    ['a1.sinkgroups.g1.processor.type', 'p'],
    ['a1.sources.r1.port', '1'],
    ['a1.sources.r1.hdfs.type', 'no'],
    ['a1.configfilters.f1.type', 'no'],
  ]);
  assert.deepEqual(
    references.map(({ kind, type }) => `${kind} ${type}`),
    ['source ./s.js', 'interceptor x', 'selector y', 'channel memory', 'sink file_roll', 'serializer z', 'serializer w', 'sink processor p'],
  );
});
