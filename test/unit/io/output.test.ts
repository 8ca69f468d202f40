import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { descriptorTarget, isTerminal } from '../../../io/output-descriptor.ts';
import { Output, type OutputTarget } from '../../../io/output.ts';

/** A reader that takes what the test lets it take. */
class Reader implements OutputTarget {
  taken = '';
  room = Number.POSITIVE_INFINITY;
  error: NodeJS.ErrnoException | undefined;
  closed = 0;
  calls = 0;

  write(bytes: Buffer): number {
    return this.writeNow(bytes);
  }

  writeNow(bytes: Buffer): number {
    this.calls++;
    if (this.error) throw this.error;
    const count = Math.min(this.room, bytes.length);
    this.taken += bytes.toString('latin1', 0, count);
    this.room -= count;
    return count;
  }

  close(): void {
    this.closed++;
  }
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn++) await setImmediate();
}

test('texts of one turn are written together, in order', async () => {
  const reader = new Reader();
  const output = new Output(reader);
  output.write('a\n');
  output.write('b\n');
  assert.equal(reader.calls, 0);
  await turns();
  assert.equal(reader.taken, 'a\nb\n');
  assert.equal(reader.calls, 1);
});

test('S23: a reader that takes nothing holds up nobody; beyond 1 MB texts are dropped and counted', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const reader = new Reader();
  reader.room = 0;
  const output = new Output(reader, (dropped) => `(${dropped} dropped)\n`);
  const line = `${'x'.repeat(1023)}\n`;
  for (let i = 0; i < 2000; i++) output.write(line);
  await turns();
  assert.equal(output.dropped, 2000 - 1024);
  let room = false;
  const waiting = output.ready().then(() => (room = true));
  await turns();
  assert.equal(room, false);

  reader.room = Number.POSITIVE_INFINITY;
  t.mock.timers.tick(200);
  await waiting;
  assert.equal(reader.taken.length, 1024 * 1024);
  output.write('next\n');
  await turns();
  assert.ok(reader.taken.endsWith(`x\n(976 dropped)\nnext\n`));
});

test('a reader that takes part of a text gets the rest later', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const reader = new Reader();
  reader.room = 3;
  const output = new Output(reader);
  output.write('abcdef');
  await turns();
  output.write('ghi');
  assert.equal(reader.taken, 'abc');
  reader.room = 100;
  t.mock.timers.tick(100);
  await turns();
  assert.equal(reader.taken, 'abcdefghi');
});

test('S23: once the reader is gone everything is dropped and nobody waits', async () => {
  const reader = new Reader();
  const output = new Output(reader);
  reader.error = failure('EPIPE');
  output.write('a\n');
  await turns();
  output.write('b\n');
  await output.ready();
  await turns();
  assert.equal(output.dropped, 2);
  assert.equal(reader.calls, 1);
});

test('a full disk is tried again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const reader = new Reader();
  const output = new Output(reader);
  reader.error = failure('ENOSPC');
  output.write('a\n');
  await turns();
  reader.error = undefined;
  t.mock.timers.tick(1000);
  await turns();
  assert.equal(reader.taken, 'a\n');
});

test('close writes what is held, and gives up at its deadline', async () => {
  const reader = new Reader();
  const output = new Output(reader);
  output.write('last words\n');
  await output.close(1000);
  assert.equal(reader.taken, 'last words\n');
  await output.close(1000);
  assert.equal(reader.closed, 1);

  const stuck = new Reader();
  stuck.room = 0;
  const other = new Output(stuck);
  other.write('never\n');
  await other.close(20);
  assert.equal(stuck.closed, 1);
  assert.equal(other.dropped, 1);
});

test('flushNow writes at once', () => {
  const reader = new Reader();
  const output = new Output(reader);
  output.write('a\n');
  output.write('b\n');
  output.flushNow();
  assert.equal(reader.taken, 'a\nb\n');
});

test('a target that answers later is offered one text at a time', async () => {
  const offered: string[] = [];
  const answers: (() => void)[] = [];
  const target: OutputTarget = {
    write: (bytes) => {
      offered.push(bytes.toString());
      return new Promise((resolve) => answers.push(() => resolve(bytes.length)));
    },
    writeNow: () => 0,
    close: () => undefined,
  };
  const output = new Output(target);
  output.write('a');
  await turns();
  output.write('b');
  output.write('c');
  await turns();
  assert.deepEqual(offered, ['a']);
  answers[0]?.();
  await turns();
  assert.deepEqual(offered, ['a', 'bc']);
});

test('S23: a pipe that nobody reads takes what fits and then says so, without waiting', async () => {
  const child = spawn('sleep', ['60'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const { _handle: handle } = child.stdin as unknown as { _handle: { fd: number } };
  const target = descriptorTarget(handle.fd);
  try {
    const bytes = Buffer.alloc(1 << 20);
    let total = 0;
    for (let round = 0; round < 100; round++) {
      const written = await target.write(bytes);
      total += written;
      if (written === 0) break;
    }
    assert.ok(total > 0 && total < 20 << 20, `took ${total} bytes`);
    assert.equal(await target.write(bytes), 0);
  } finally {
    target.close();
    child.kill();
  }
});

test('a regular file gets all of it, behind what stands there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-output-'));
  const path = join(folder, 'out');
  const descriptor = openSync(path, 'a');
  try {
    const output = new Output(descriptorTarget(descriptor));
    output.write('one\n');
    await turns();
    output.write('two\n');
    await output.close(1000);
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
    assert.equal(isTerminal(descriptor), false);
  } finally {
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  }
});
