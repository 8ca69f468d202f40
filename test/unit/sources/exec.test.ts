import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Source } from '../../../core/component.ts';
import { execSource } from '../../../sources/exec.ts';
import { create, eventually, FakeSourceContext, isOpen } from '../../conformance/fakes.ts';
import { sourceConformance } from '../../conformance/source.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-exec-'));
let inputNumber = 0;
const BASH = { shell: '/bin/bash -c' };

after(() => rmSync(directory, { recursive: true }));

const inputs = new WeakMap<Source, string>();

sourceConformance('exec', {
  create(context) {
    const path = join(directory, `input-${inputNumber++}`);
    writeFileSync(path, '');
    const source = create(execSource, { command: `tail -n +1 -f ${path}`, batchTimeout: '0' }, context) as Source;
    inputs.set(source, path);
    return source;
  },
  feed: (source, body) => appendFileSync(inputs.get(source) ?? '', `${body}\n`),
  afterFailure: 'next',
});

describe('exec source', () => {
  test('EX-01 cat: the bodies are the lines of the file', async () => {
    const path = join(directory, 'ten');
    const content = Array.from({ length: 10 }, () => `${randomBytes(100).toString('hex')}\n`).join('');
    writeFileSync(path, content);
    const { bodies } = await output({ command: `cat ${path}` });
    assert.equal(bodies.map((body) => `${body}\n`).join(''), content);
  });

  for (const [id, command, expected] of [
    ['EX-02', 'seq 5', ['1', '2', '3', '4', '5']],
    ['EX-03', 'echo `seq 5`', ['1 2 3 4 5']],
    ['EX-03', 'echo $(seq 5)', ['1 2 3 4 5']],
    ['EX-04', 'echo zzz 1234 xyz abcd ijk | xargs -n1 echo | sort -f', ['1234', 'abcd', 'ijk', 'xyz', 'zzz']],
    ['EX-05 EX-09', 'for i in {1..5}; do echo $i;done', ['1', '2', '3', '4', '5']],
    ['EX-06', 'if ((2+2>3)); then  echo good; else echo not good; fi', ['good']],
    ['EX-07', 'echo "\'1\'"; echo "\\"2\\""; echo "\\\\3"; echo "\\4"', ["'1'", '"2"', '\\3', '\\4']],
    ['EX-08', "for i in `seq 5`; do echo $i; done | awk ' { print $1 + 1 } ' ", ['2', '3', '4', '5', '6']],
  ] as const) {
    test(`${id} with a shell: ${command}`, async () => {
      const { bodies, context } = await output({ ...BASH, command });
      assert.deepEqual(bodies, expected);
      assert.equal(context.counted('EventReceivedCount'), expected.length);
      assert.equal(context.counted('EventAcceptedCount'), expected.length);
    });
  }

  test('EX-10 a batch that does not fill goes out by the timer', async () => {
    const path = join(directory, 'tailed');
    writeFileSync(path, '');
    await running({ command: `tail -f ${path}`, batchSize: '50000', batchTimeout: '200' }, async ({ context }) => {
      appendFileSync(path, 'one\ntwo\nthree\n');
      await eventually(() => context.bodies.length === 3, 'all three lines');
      assert.deepEqual(context.bodies, ['one', 'two', 'three']);
      assert.ok(context.log.lines.some(({ level, sentence }) => level === 'info' && sentence.includes('TAILDIR')));
    });
  });

  test('EX-11 a command that ends is started again after the throttle', () =>
    running({ command: 'echo flume', restart: 'true', restartThrottle: '10', batchTimeout: '0' }, async ({ context }) => {
      await eventually(() => context.bodies.length >= 5, 'five runs');
      assert.deepEqual(new Set(context.bodies), new Set(['flume']));
    }));

  test('EX-12 stop ends the command', async () => {
    const pids = await pidsOf({ command: 'echo $$; exec sleep 272', ...BASH }, 1);
    assert.deepEqual(pids.filter(isAlive), []);
  });

  test('EX-13 LF, CR and CRLF end lines, a last line needs no end, bytes that are no UTF-8 become U+FFFD', async () => {
    const { bodies } = await output({ ...BASH, command: String.raw`printf 'a\r\nb\rc\n\nlast'; printf '\377x\n'` });
    assert.deepEqual(bodies, ['a', 'b', 'c', '', 'last\ufffdx']);
  });

  test('EX-14 differs: while the channel is full nothing is dropped, and the source goes on afterwards', async () => {
    const context = new FakeSourceContext();
    let release: () => void = () => undefined;
    const room = new Promise<void>((resolve) => (release = resolve));
    context.answer = async (_batch, call) => {
      if (call > 2) await room;
    };
    await running({ ...BASH, command: 'seq 8', batchSize: '1' }, async () => {
      await eventually(() => context.delivered.length >= 3, 'the third line waits');
      await sleep(30);
      release();
      await eventually(() => context.counted('EventAcceptedCount') === 8, 'all lines');
      assert.deepEqual(context.bodies, ['1', '2', '3', '4', '5', '6', '7', '8']);
      assert.ok(context.options.every((options) => options?.wait === true));
    }, context);
  });

  test('R1 N8 while nothing is stored the pipe is not read beyond a window', async () => {
    const context = new FakeSourceContext();
    const releases: (() => void)[] = [];
    let open = false;
    context.answer = () => (open ? Promise.resolve() : new Promise((resolve) => releases.push(resolve)));
    await running({ ...BASH, command: 'seq 1000000 1299999', batchSize: '1000' }, async () => {
      await eventually(() => context.delivered.length > 0, 'something is read');
      await sleep(100);
      const read = context.counted('EventReceivedCount');
      await sleep(50);
      assert.equal(context.counted('EventReceivedCount'), read);
      assert.ok(read < 100_000, `${read} lines were read`);
      open = true;
      for (const each of releases) each();
      await eventually(() => context.counted('EventAcceptedCount') === 300_000, 'all lines');
      assert.equal(context.bodies.at(-1), '1299999');
    }, context);
  });

  test('EX-12 N23 stop ends grandchildren too, those that ignore SIGTERM included, and does not wait for their output', async () => {
    const command = "trap '' TERM; sleep 271 & echo $!; (trap '' TERM; echo $BASHPID; while true; do sleep 0.1; done) & echo $$; wait; wait";
    const began = performance.now();
    const pids = await pidsOf({ ...BASH, command }, 3);
    assert.ok(performance.now() - began < 8000);
    assert.deepEqual(pids.filter(isAlive), []);
  });

  test('N23 a command that dies at once is started again with growing pauses, and says why', () =>
    running({ ...BASH, command: 'echo broken >&2; exit 3', restart: 'true', restartThrottle: '1' }, async ({ context }) => {
      const told = (): number[] => context.log.lines.filter(({ sentence }) => /dies at once/.test(sentence)).map((line) => Number(line.facts['inSeconds']));
      await eventually(() => told().length >= 4, 'four attempts');
      assert.ok(context.log.lines.some(({ facts }) => facts['line'] === 'broken'));
      assert.deepEqual(context.bodies, []);
    }));

  test('N23 a line without an end is cut, counted, and not kept in memory', async () => {
    const { context, bodies } = await output({ ...BASH, command: "head -c 100000 /dev/zero | tr '\\0' x; echo; echo next", maxLineBytes: '4096' });
    assert.equal(bodies.at(-1), 'next');
    assert.equal(bodies.slice(0, -1).join('').length, 100_000);
    assert.ok(bodies.length > 2);
    assert.equal(context.counted('EventSplitCount'), bodies.length - 2);
  });

  test('N23 a flood of standard error is read, and logged within limits', async () => {
    const { context, bodies } = await output({ ...BASH, command: "seq 50000 >&2; head -c 3000000 /dev/zero >&2; echo done", logStdErr: 'true' });
    assert.deepEqual(bodies, ['done']);
    const logged = context.log.lines.filter(({ sentence }) => sentence === 'standard error of the command');
    assert.equal(logged[0]?.facts['number'], 1);
    assert.equal(logged[0]?.facts['line'], '1');
    assert.ok(logged.length <= 100, `${logged.length} lines`);
  });

  test('without logStdErr the last line is told when the command fails, and no other', async () => {
    const { context } = await output({ ...BASH, command: 'echo first >&2; echo last >&2; exit 1' });
    assert.ok(!context.log.lines.some(({ facts }) => facts['line'] === 'first'));
    assert.ok(context.log.lines.some(({ facts }) => facts['line'] === 'last'));
    const ended = context.log.lines.find(({ sentence }) => /command ended/.test(sentence));
    assert.equal(ended?.level, 'error');
    assert.equal(ended?.facts['exit'], 'exit status 1');
  });

  test('N23 no zombie is left', async () => {
    const { context } = await output({ ...BASH, command: 'sleep 0 & echo $$; wait' });
    const pid = Number(context.bodies[0]);
    assert.ok(!existsSync(`/proc/${pid}`));
  });

  test('a command that cannot be started fails the start, and says what was tried', async () => {
    const source = create(execSource, { command: 'no-such-program-anywhere -x' }, new FakeSourceContext()) as Source;
    await assert.rejects(source.start(), /cannot start "no-such-program-anywhere".*PATH/);
    await source.stop();
  });

  test('X9 without a shell the words go to the program as they stand', async () => {
    const { bodies } = await output({ command: 'echo $(id) `id` ; echo "a  b" $HOME' });
    assert.deepEqual(bodies, ['$(id) `id` ; echo "a b" $HOME']);
  });

  test('X9 the command gets a minimal environment, what its text refers to, and what environment names', async () => {
    process.env['MILLRACE_TEST_SECRET'] = 's3cret';
    process.env['MILLRACE_TEST_NAMED'] = 'named';
    try {
      const { bodies } = await output({ command: 'env' });
      assert.ok(bodies.some((body) => body.startsWith('PATH=')));
      assert.ok(!bodies.some((body) => body.startsWith('MILLRACE_')));
      assert.deepEqual((await output({ ...BASH, command: 'echo ${MILLRACE_TEST_NAMED}-$MILLRACE_TEST_SECRET' })).bodies, ['named-s3cret']);
      assert.ok((await output({ command: 'env', environment: 'MILLRACE_TEST_NAMED' })).bodies.includes('MILLRACE_TEST_NAMED=named'));
      assert.ok((await output({ command: 'env', environment: '*' })).bodies.includes('MILLRACE_TEST_SECRET=s3cret'));
    } finally {
      delete process.env['MILLRACE_TEST_SECRET'];
      delete process.env['MILLRACE_TEST_NAMED'];
    }
  });

  test('a line that the stop cut off is not delivered, and counted', async () => {
    const context = new FakeSourceContext();
    await running({ ...BASH, command: 'echo whole; printf torn; sleep 100', batchTimeout: '0' }, async () => {
      await eventually(() => context.bodies.length === 1, 'the whole line');
      await sleep(50);
    }, context);
    assert.deepEqual(context.bodies, ['whole']);
    assert.equal(context.counted('EventIncompleteCount'), 1);
  });

  test('stop delivers what was read, and waits for it', async () => {
    const context = new FakeSourceContext();
    let settle: () => void = () => undefined;
    context.answer = () => new Promise((resolve) => (settle = resolve));
    const source = create(execSource, { ...BASH, command: 'echo a; echo b; sleep 100', batchSize: '10' }, context) as Source;
    await source.start();
    await eventually(() => context.counted('EventReceivedCount') === 2, 'both lines are read');
    const stopped = source.stop();
    await eventually(() => context.delivered.length === 1, 'they are delivered');
    assert.deepEqual(context.bodies, ['a', 'b']);
    await sleep(400);
    assert.ok(await isOpen(stopped));
    settle();
    await stopped;
    assert.equal(context.counted('EventAcceptedCount'), 2);
  });

  test('charset: output in UTF-16 and in ISO-8859-1 keeps its bytes, line by line', async () => {
    const path = join(directory, 'utf16');
    writeFileSync(path, Buffer.from('é1\r\né2\n', 'utf16le'));
    const wide = await output({ command: `cat ${path}`, charset: 'UTF-16LE' });
    assert.deepEqual(wide.context.delivered.flatMap((batch) => [...batch].map((event) => event.body.toString('utf16le'))), ['é1', 'é2']);
    writeFileSync(path, Buffer.from('\xe9\n', 'latin1'));
    const latin = await output({ command: `cat ${path}`, charset: 'ISO-8859-1' });
    assert.deepEqual([...(latin.context.delivered[0] ?? [])][0]?.body, Buffer.from([0xe9]));
  });

  test('stop is safe without start, and during the pause before a restart', async () => {
    await (create(execSource, { command: 'true' }, new FakeSourceContext()) as Source).stop();
    const source = create(execSource, { command: 'true', restart: 'true' }, new FakeSourceContext()) as Source;
    await source.start();
    await sleep(50);
    await source.stop();
  });
});

/** Runs a command to its end. */
async function output(properties: Record<string, string>): Promise<{ bodies: string[]; context: FakeSourceContext }> {
  const context = new FakeSourceContext();
  await running(properties, () => eventually(() => context.log.lines.some(({ sentence }) => /command ended/.test(sentence)), 'the command ends'), context);
  return { bodies: context.bodies, context };
}

async function running(
  properties: Record<string, string>,
  body: (running: { context: FakeSourceContext; source: Source }) => Promise<void>,
  context = new FakeSourceContext(),
): Promise<void> {
  const source = create(execSource, properties, context) as Source;
  await source.start();
  try {
    await body({ context, source });
  } finally {
    await source.stop();
  }
  assert.deepEqual(context.failures, []);
}

/** Starts a command that prints process ids, stops the source, answers the ids. */
async function pidsOf(properties: Record<string, string>, count: number): Promise<number[]> {
  const context = new FakeSourceContext();
  await running({ ...properties, batchTimeout: '0' }, async () => {
    await eventually(() => context.bodies.length >= count, `${count} process ids`);
    assert.ok(context.bodies.map(Number).every(isAlive));
  }, context);
  return context.bodies.map(Number);
}

function isAlive(pid: number): boolean {
  try {
    // The name in parentheses may hold anything; the state follows the last of them. Z is a zombie that its new parent has not met yet.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
