import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectors } from '../../../../channels/selectors/index.ts';
import { multiplexingSelector } from '../../../../channels/selectors/multiplexing.ts';
import { Batch } from '../../../../core/batch.ts';
import type { Route, Selector } from '../../../../core/component.ts';
import { readOptions } from '../../../../core/read-options.ts';
import { bodiesOf, make, recordingContext, type RecordingContext } from '../../recording-context.ts';

const CHANNELS = ['ch1', 'ch2', 'ch3'];
const OPTIONALS = { 'optional.foo': 'ch2 ch3', 'optional.xyz': 'ch1 ch3', 'optional.zebra': 'ch1 ch2' };

function selectorWith(properties: Record<string, string>, context: RecordingContext = recordingContext()): Promise<Selector> {
  return make(multiplexingSelector, { header: 'myheader', ...properties }, { ...context, channels: CHANNELS });
}

function events(...values: (string | undefined)[]): Batch {
  return Batch.of(
    values.map((value, index) => ({
      body: Buffer.from(String(index)),
      headers: new Map(value === undefined ? [] : [['myheader', value]]),
    })),
  );
}

/** `required / optional` of a single event. */
function chosen(selector: Selector, headers: Record<string, string>): string {
  const routed = selector.route(Batch.of([{ body: Buffer.from('a'), headers: new Map(Object.entries(headers)) }]));
  const names = (optional: boolean): string => routed.filter((r) => r.optional === optional).map((r) => r.channel).join(' ');
  return `${names(false)} / ${names(true)}`;
}

function shown(routes: readonly Route[]): string[] {
  return routes.map(({ channel, batch, optional }) => `${channel}${optional ? '?' : ''} ${bodiesOf(batch).join('')}`);
}

function findings(properties: Record<string, string>): string[] {
  const { values } = readOptions(multiplexingSelector, new Map(Object.entries(properties)));
  assert.ok(values);
  return (multiplexingSelector.checkNames?.(values, CHANNELS) ?? []).map((f) => `${f.effect} ${f.option} ${f.sentence}`);
}

const MAPPED = { 'mapping.foo': 'ch1 ch2', 'mapping.bar': 'ch2 ch3', 'mapping.xyz': 'ch1 ch2 ch3', default: 'ch1 ch3' };

test('C5.5 mapped values; what is required is not optional as well', async () => {
  const selector = await selectorWith({ ...MAPPED, ...OPTIONALS });
  assert.equal(chosen(selector, { myheader: 'foo' }), 'ch1 ch2 / ch3');
  assert.equal(chosen(selector, { myheader: 'bar' }), 'ch2 ch3 / ');
  assert.equal(chosen(selector, { myheader: 'xyz' }), 'ch1 ch2 ch3 / ');
});

test('C5.6 no header, a blank one, and values without a mapping go to the default channels', async () => {
  const selector = await selectorWith({ ...MAPPED, ...OPTIONALS });
  assert.equal(chosen(selector, {}), 'ch1 ch3 / ');
  assert.equal(chosen(selector, { other: 'foo' }), 'ch1 ch3 / ');
  assert.equal(chosen(selector, { myheader: ' \t' }), 'ch1 ch3 / ');
  assert.equal(chosen(selector, { myheader: 'bar1' }), 'ch1 ch3 / ');
  assert.equal(chosen(selector, { myheader: 'FOO' }), 'ch1 ch3 / ');
  assert.equal(chosen(selector, { myheader: 'foo ' }), 'ch1 ch3 / ');
  assert.equal(chosen(selector, { myheader: 'zebra' }), 'ch1 ch3 / ch2');
});

test('C5.7 no default: optional channels keep their order', async () => {
  const selector = await selectorWith({ 'mapping.zebra': 'ch2', 'optional.zebra': 'ch1 ch3' });
  assert.equal(chosen(selector, { myheader: 'zebra' }), 'ch2 / ch1 ch3');
});

test('C5.8 only a default and optionals', async () => {
  const selector = await selectorWith({ default: 'ch3', 'optional.foo': 'ch1 ch2', 'optional.zebra': 'ch2 ch3' });
  assert.equal(chosen(selector, { myheader: 'foo' }), 'ch3 / ch1 ch2');
  assert.equal(chosen(selector, { myheader: 'zebra' }), 'ch3 / ch2');
});

test('C5.9 only optionals', async () => {
  const selector = await selectorWith({ 'optional.foo': 'ch1 ch2', 'optional.zebra': 'ch2 ch3' });
  assert.equal(chosen(selector, { myheader: 'foo' }), ' / ch1 ch2');
  assert.equal(chosen(selector, { myheader: 'zebra' }), ' / ch2 ch3');
  assert.equal(selector.route(events(undefined)).length, 0);
});

test('C5.12 a double space, a tab, or a channel of another source is an error at the key', async () => {
  for (const names of ['ch1  ch2', 'ch1\tch2', 'ch9', 'ch1,ch2']) {
    await assert.rejects(selectorWith({ 'mapping.x': names }), /mapping\.x/);
    assert.match(findings({ 'mapping.x': names })[0] ?? '', /^drop mapping\.x /);
    assert.match(findings({ default: names })[0] ?? '', /^drop default /);
    assert.match(findings({ 'optional.a.b': names })[0] ?? '', /^drop optional\.a\.b /);
  }
  assert.deepEqual(findings({ 'mapping.x': 'ch1 ch1' }), [
    'warn mapping.x names "ch1" twice; it gets each event once (Flume 1.11 stores it twice)',
  ]);
});

test('C5.13 the type is found in any case, class names as they are spelled', () => {
  assert.equal(selectors.find('MULTIPLEXING'), multiplexingSelector);
  assert.equal(selectors.find('org.apache.flume.channel.MultiplexingChannelSelector'), multiplexingSelector);
  assert.equal(selectors.find('org.apache.flume.channel.multiplexingchannelselector'), undefined);
});

test('a mixed batch is split, each part in order; values may hold dots', async () => {
  const selector = await selectorWith({ 'mapping.a.b': 'ch1', 'mapping.c': 'ch1 ch2', default: 'ch3', 'optional.c': 'ch3' });
  assert.deepEqual(shown(selector.route(events('a.b', 'c', 'a.b', 'c'))), ['ch3? 13', 'ch1 0123', 'ch2 13']);
});

test('C5.8 a channel that some events of a batch require and others do not gets them in order', async () => {
  const selector = await selectorWith({ 'mapping.c': 'ch1', default: 'ch3', 'optional.c': 'ch3 ch2' });
  assert.deepEqual(shown(selector.route(events('x', 'c', 'x', 'c'))), ['ch3 0123', 'ch1 13', 'ch2? 13']);
});

test('a batch whose events all go the same way is handed on as it is', async () => {
  const selector = await selectorWith({ 'mapping.a': 'ch1', 'mapping.b': 'ch1 ch2' });
  const own = events('a', 'a');
  assert.equal(selector.route(own)[0]?.batch, own);
  const shared = events(undefined, undefined).withHeader('myheader', 'a', false);
  assert.equal(selector.route(shared)[0]?.batch, shared);
  const mixed = events('a', 'b');
  assert.equal(selector.route(mixed)[0]?.batch, mixed);
});

test('events of a mixed batch that have no channel are counted', async () => {
  const context = recordingContext();
  const selector = await selectorWith({ 'mapping.a': 'ch1' }, context);
  assert.deepEqual(shown(selector.route(events('a', 'b', 'a', undefined))), ['ch1 02']);
  assert.equal(context.counters.get('EventUnroutedCount'), 2);
  assert.equal(context.lines.length, 1);
});

test('X11 header values and mappings named like members of an object are plain data', async () => {
  const selector = await selectorWith({ 'mapping.__proto__': 'ch1', 'mapping.a': 'ch2' });
  assert.equal(chosen(selector, { myheader: '__proto__' }), 'ch1 / ');
  assert.equal(chosen(selector, { myheader: 'constructor' }), ' / ');
  assert.equal(chosen(selector, { myheader: 'toString' }), ' / ');
});
