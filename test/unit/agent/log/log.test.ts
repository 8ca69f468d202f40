import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { AgentLog } from '../../../../agent/command-line/types.ts';
import { openLog, type LogOptions } from '../../../../agent/log/log.ts';
import { Output } from '../../../../io/output.ts';

interface Logged {
  readonly log: AgentLog;
  lines(): Promise<readonly string[]>;
}

function logged(options: Partial<LogOptions> = {}): Logged {
  let text = '';
  const writeNow = (bytes: Buffer): number => {
    text += bytes.toString();
    return bytes.length;
  };
  const output = new Output({ write: writeNow, writeNow, close: () => undefined });
  const log = openLog({ level: 'info', format: 'text', colour: false, outputs: [output], toConsole: true, ...options });
  const lines = async (): Promise<readonly string[]> => {
    await setImmediate();
    await setImmediate();
    const all = text.split('\n');
    assert.equal(all.pop(), '');
    text = '';
    return all;
  };
  return { log, lines };
}

function clock(t: TestContext): void {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: new Date(2026, 10, 21, 14, 0, 0, 123) });
}

test('a line has the order that log4j taught: time, level, component, sentence, facts', async (t) => {
  clock(t);
  const { log, lines } = logged();
  const logger = log.logger('a1.sinks.k1');
  logger.info('file rolled', { path: '/tmp/x', bytes: 12, missing: undefined });
  logger.warn('sink failed', { reason: new Error('connect refused', { cause: new Error('ECONNREFUSED') }) });
  assert.deepEqual(await lines(), [
    '2026-11-21 14:00:00,123 INFO  a1.sinks.k1  file rolled path=/tmp/x bytes=12',
    '2026-11-21 14:00:00,123 WARN  a1.sinks.k1  sink failed reason="connect refused: ECONNREFUSED"',
  ]);
});

test('JSON: one object a line, facts as they are', async (t) => {
  clock(t);
  const { log, lines } = logged({ format: 'json' });
  log.logger('a1').error('broken', { count: 3, ok: false, text: 'a "b"\n\u009b', list: [1], big: 10n });
  log.logger('a1').event('Event: { \u202e }');
  const [first = '', second = ''] = await lines();
  const time = new Date(2026, 10, 21, 14, 0, 0, 123).toISOString();
  const facts = { count: 3, ok: false, text: 'a "b"\n\u009b', list: '[1]', big: '10' };
  assert.deepEqual(JSON.parse(first), { time, level: 'error', component: 'a1', message: 'broken', facts });
  assert.deepEqual(JSON.parse(second), { time, level: 'info', component: 'a1', event: 'Event: { \u202e }' });
  assert.doesNotMatch(first + second, /[\u009b\u202e]/);
});

test('levels below the chosen one are silent; events are at info', async () => {
  for (const [level, expected] of [['off', 0], ['error', 1], ['warn', 2], ['info', 4], ['debug', 5]] as const) {
    const { log, lines } = logged({ level });
    const logger = log.logger('a1');
    logger.error('e');
    logger.warn('w');
    logger.info('i');
    logger.event('Event: {}');
    logger.debug('d');
    assert.equal((await lines()).length, expected, level);
  }
});

test('X8: forged lines, controls and long values in facts', async (t) => {
  clock(t);
  const { log, lines } = logged();
  log.logger('a1').warn('bad line', {
    body: 'x\n2026-11-21 14:00:00,123 ERROR a1  forged',
    escape: '\u001b]0;title\u0007',
    marks: '\u202ea',
    quote: 'say "hi" \\',
    long: 'y'.repeat(5000),
  });
  log.logger('a1').event('Event: { headers:{a=b\r\nfake} }');
  const all = await lines();
  assert.equal(all.length, 2);
  const head = '2026-11-21 14:00:00,123 WARN  a1  bad line';
  const body = String.raw`body="x\n2026-11-21 14:00:00,123 ERROR a1  forged"`;
  const rest = String.raw`escape="\u001b]0;title\u0007" marks=\u202ea quote="say \"hi\" \\"`;
  assert.equal(all[0], `${head} ${body} ${rest} long="${'y'.repeat(1024)}… (3976 more characters)"`);
  assert.equal(all[1], String.raw`2026-11-21 14:00:00,123 INFO  a1  Event: { headers:{a=b\r\nfake} }`);
});

test('G5 X15: secrets appear nowhere, however they are written', async () => {
  for (const format of ['text', 'json'] as const) {
    const { log, lines } = logged({ format });
    log.hide(['pa"ss wörd', 'topsecret', 'abc']);
    const secret = { url: 'http://user:topsecret@host/', options: { password: 'pa"ss wörd' }, encoded: 'p=pa%22ss%20w%C3%B6rd', short: 'abc' };
    log.logger('a1').error('could not log in', { ...secret, reason: new Error('401 for topsecret'), cut: `${'x'.repeat(1020)}topsecret` });
    const text = (await lines()).join('\n');
    assert.doesNotMatch(text, /topsec|wörd|%C3%B6rd/);
    assert.match(text, /\*\*\*/);
    assert.match(text, /abc/, 'too short to hide');
  }
});

test('R6: the same warning appears once per 10 s, with the number left out', async (t) => {
  clock(t);
  const { log, lines } = logged();
  const logger = log.logger('a1.sinks.k1');
  for (let i = 0; i < 1000; i++) logger.warn('sink failed', { attempt: i });
  logger.error('sink failed', { attempt: 0 });
  log.logger('a1.sinks.k2').warn('sink failed');
  assert.equal((await lines()).length, 3);
  t.mock.timers.tick(9999);
  assert.equal((await lines()).length, 0);
  t.mock.timers.tick(1);
  const [line = ''] = await lines();
  assert.match(line, /WARN {2}a1\.sinks\.k1 {2}sink failed attempt=999 repeated=999$/);
  t.mock.timers.tick(10_000);
  logger.warn('sink failed', { attempt: 1000 });
  assert.match((await lines())[0] ?? '', /attempt=1000$/);
});

test('R6: a component that is made anew is limited like before', async (t) => {
  clock(t);
  const { log, lines } = logged();
  for (let i = 0; i < 100; i++) log.logger('a1.sources.r1').error('source does not start');
  assert.equal((await lines()).length, 1);
});

test('R6: 10,000 errors a second of any wording stay below 1 MB a minute', async (t) => {
  clock(t);
  const { log, lines } = logged();
  let bytes = 0;
  for (let second = 0; second < 60; second++) {
    for (let i = 0; i < 10_000; i++) log.logger(`a1.sinks.k${i % 7}`).error(`failed ${second} ${i}`, { text: 'z'.repeat(200) });
    bytes += (await lines()).join('\n').length;
    t.mock.timers.tick(1000);
  }
  assert.ok(bytes > 1000 && bytes < 1_000_000, `${bytes} bytes`);
  assert.ok(log.dropped > 0);
});

test('held-back repeats are told before the log closes', async () => {
  const { log, lines } = logged();
  log.logger('a1').warn('w');
  log.logger('a1').warn('w');
  await log.close(100);
  assert.match((await lines())[1] ?? '', /w repeated=1$/);
  log.logger('a1').error('too late');
  assert.deepEqual(await lines(), []);
});

test('colours only where they are wanted', async () => {
  const { log, lines } = logged({ colour: true });
  log.logger('a1').error('x');
  log.logger('a1').info('x');
  const [error = '', info = ''] = await lines();
  assert.ok(error.includes('\u001b[31mERROR\u001b[0m'));
  assert.doesNotMatch(info, /\[\d/);
});

test('under journald lines begin with their priority and have no time; what a value holds cannot forge one', async () => {
  const { log, lines } = logged({ format: 'journal', level: 'debug' });
  const logger = log.logger('a1.sinks.k1');
  logger.error('failed', { reason: 'x\n<0>forged' });
  logger.warn('odd');
  logger.info('fine');
  logger.debug('detail');
  logger.event('Event: { body: x }');
  assert.deepEqual(await lines(), [
    '<3>a1.sinks.k1  failed reason="x\\n<0>forged"',
    '<4>a1.sinks.k1  odd',
    '<6>a1.sinks.k1  fine',
    '<7>a1.sinks.k1  detail',
    '<6>a1.sinks.k1  Event: { body: x }',
  ]);
});

test('the last ten warnings and errors can be asked for, as text, without secrets and without colours', () => {
  const { log } = logged({ format: 'json', colour: true });
  log.hide(['hunter2']);
  for (let number = 0; number < 12; number++) log.logger(`a1.sinks.k${number}`).warn('refused', { reason: 'hunter2' });
  log.logger('a1').info('runs');
  const recent = log.recent();
  assert.equal(recent.length, 10);
  assert.match(recent[9] ?? '', /^\d{4}-\S+ \S+ WARN {2}a1\.sinks\.k11 {2}refused reason=\*\*\*$/);
});
