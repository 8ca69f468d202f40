/** What holds for every definition of every registry. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { configFilters } from '../../agent/config-filters/index.ts';
import { channels } from '../../channels/index.ts';
import { selectors } from '../../channels/selectors/index.ts';
import type { AnyDefinition } from '../../core/define.ts';
import { knownKeys } from '../../core/read-options.ts';
import { interceptors } from '../../interceptors/index.ts';
import { deserializers } from '../../serializers/deserializers/index.ts';
import { serializers } from '../../serializers/index.ts';
import { sinkProcessors } from '../../sinks/groups/index.ts';
import { sinks } from '../../sinks/index.ts';
import { httpHandlers } from '../../sources/http/handlers/index.ts';
import { sources } from '../../sources/index.ts';

const root = join(import.meta.dirname, '../..');

/** Each registry with the folder that its index.ts stands in. */
const registries = [
  { registry: sources, folder: 'sources' },
  { registry: channels, folder: 'channels' },
  { registry: sinks, folder: 'sinks' },
  { registry: interceptors, folder: 'interceptors' },
  { registry: serializers, folder: 'serializers' },
  { registry: deserializers, folder: 'serializers/deserializers' },
  { registry: httpHandlers, folder: 'sources/http/handlers' },
  { registry: selectors, folder: 'channels/selectors' },
  { registry: sinkProcessors, folder: 'sinks/groups' },
  { registry: configFilters, folder: 'agent/config-filters' },
] as const;

/** Components without a unit test of their own, with the reason. */
const untested: Readonly<Record<string, string>> = {};

/** Defaults that cannot be written into a file, with the reason. */
const unwritable: Readonly<Record<string, string>> = {
  'sink elasticsearch ttl': '0 stands for documents that stay, which is said by leaving the option out',
};

for (const { registry, folder } of registries) {
  await registry.read();
  void describe(`definitions in ${folder}`, () => {
    void test('a type belongs to one definition, and is found by each of its names', () => {
      const names = registry.all.flatMap(({ types }) => types.map((name) => (name.includes('.') ? name : name.toLowerCase())));
      assert.deepEqual(names.filter((name, at) => names.indexOf(name) !== at), []);
      for (const definition of registry.all) {
        for (const name of definition.types) assert.equal(registry.find(name), definition);
        assert.equal(definition.kind, registry.kind);
      }
    });

    for (const definition of registry.all) {
      void test(`${registry.kind} ${definition.types[0]}`, () => checkDefinition(definition));
    }

    void test('whatever can be created has a unit test', async () => {
      const missing: string[] = [];
      for (const path of await componentFiles(folder)) {
        const tests = [`${path}.test.ts`, `${path.replace(/\/index$/, '')}.test.ts`];
        if (!tests.some((name) => existsSync(join(root, 'test/unit', name)))) missing.push(path);
      }
      const exceptions = Object.keys(untested).filter((path) => path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/'));
      assert.deepEqual(missing.toSorted(), exceptions.toSorted(), 'test/unit/<the same path>.test.ts, or an exception with its reason');
    });
  });
}

void test('no exception from readable defaults is stale', () => {
  for (const name of Object.keys(unwritable)) {
    const definition = sinks.all.find(({ types }) => name.startsWith(`sink ${types[0]} `));
    const option = definition?.options[name.split(' ')[2] ?? ''];
    assert.ok(option, `${name} is no option any more`);
    assert.ok(option.read(String(option.fallback)).bad, `the default of ${name} can be written now`);
  }
});

function checkDefinition(definition: AnyDefinition): void {
  const { options, summary, types, batchSizeOption, transactionCapacityOption, kind } = definition;
  assert.match(summary, /^[A-Z].*\.$/s, 'the summary is a sentence');
  for (const [key, option] of Object.entries(options)) {
    // The words of an ignored key complete a message about it.
    const form = option.shape === 'ignored' ? /^[a-z].*[^.]$/s : /^[A-Z`].*\.$/s;
    assert.match(option.doc, form, `the doc of ${key} is a sentence`);
    assert.equal(key.endsWith('.*'), option.shape === 'prefix', `${key}: prefixes end in a star, and only they do`);
    const { fallback } = option;
    const writable = ['string', 'number', 'boolean'].includes(typeof fallback) && fallback !== '';
    if (!writable || unwritable[`${kind} ${types[0]} ${key}`] !== undefined) continue;
    assert.deepEqual(option.read(String(fallback)), { value: fallback }, `${key} can be given its own default`);
  }
  const keys = knownKeys(options);
  assert.deepEqual(keys.filter((key, at) => keys.indexOf(key) !== at && !key.endsWith('.')), [], 'no name stands for two options');
  for (const key of [batchSizeOption, transactionCapacityOption]) {
    if (key !== undefined) assert.equal(options[key]?.shape, 'whole number', `${key} is a number of events`);
  }
  if (batchSizeOption !== undefined) assert.ok(kind === 'source' || kind === 'sink');
  assert.equal(transactionCapacityOption === undefined || kind === 'channel', true);
}

/** Paths, without their ending, of the modules in a registry whose definition can be created. */
async function componentFiles(folder: string): Promise<readonly string[]> {
  const text = readFileSync(join(root, folder, 'index.ts'), 'utf8');
  const found: string[] = [];
  for (const [, file] of text.matchAll(/(?: from |import\()'\.\/(.*)\.ts'/g)) {
    const module = (await import(join(root, folder, `${file}.ts`))) as Record<string, unknown>;
    if (Object.values(module).some(isCreatable)) found.push(`${folder}/${file}`);
  }
  return found;
}

function isCreatable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'types' in value && 'create' in value && typeof value.create === 'function';
}
