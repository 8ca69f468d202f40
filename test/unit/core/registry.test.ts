import assert from 'node:assert/strict';
import { test } from 'node:test';
import { define } from '../../../core/define.ts';
import { Registry } from '../../../core/registry.ts';

const near = define('sink', { types: ['near', 'org.acme.NearSink'], summary: 'Is there.', options: {} });
const far = define('sink', { types: ['far', 'org.acme.FarSink'], summary: 'Is read on demand.', options: {} });

function registry(): { readonly sinks: Registry<'sink'>; readonly reads: () => number } {
  let reads = 0;
  const read = (): Promise<typeof far> => {
    reads++;
    return Promise.resolve(far);
  };
  return { sinks: new Registry('sink', [near, { types: far.types, read }]), reads: () => reads };
}

test('a definition is read when its type is asked for, by any of its names, and once', async () => {
  const { sinks, reads } = registry();
  assert.equal(sinks.find('NEAR'), near);
  assert.ok(sinks.has('FAR'));
  assert.deepEqual(sinks.names, ['near', 'org.acme.NearSink', 'far', 'org.acme.FarSink']);
  assert.throws(() => sinks.find('far'), /the definition of the sink type "far" was not read/);
  assert.throws(() => sinks.all, /"far" was not read/);
  await sinks.read('near');
  assert.equal(reads(), 0);
  await Promise.all([sinks.read('org.acme.FarSink'), sinks.read('far')]);
  await sinks.read('far');
  assert.equal(reads(), 2, 'two that came at once');
  for (const name of ['far', 'Far', 'org.acme.FarSink']) assert.equal(sinks.find(name), far);
  assert.deepEqual(sinks.all, [near, far]);
});

test('whoever asks for a type that there is not can ask for all that it could have meant', async () => {
  const { sinks, reads } = registry();
  await sinks.read('fra');
  assert.equal(reads(), 1);
  assert.equal(sinks.find('fra'), undefined);
  assert.equal(sinks.find('far'), far);
});

test('names are taken by definitions that were not read too, and have to be those of the definition', async () => {
  const { sinks } = registry();
  assert.throws(() => sinks.add(define('sink', { types: ['FAR'], summary: 'Is another.', options: {} })), /two definitions of the sink type "FAR"/);
  const wrong = new Registry('sink', [{ types: ['fur'], read: () => Promise.resolve(far) }]);
  await assert.rejects(wrong.read('fur'), /the sink fur is listed under other names than it has/);
});
