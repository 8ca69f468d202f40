import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually } from '../conformance/fakes.ts';

const ROUNDS = Number(process.env['MILLRACE_KILLS'] ?? 15);
const MOST_PER_TAKE = 100;
const worker = fileURLToPath(new URL('durable-worker.ts', import.meta.url));

test(`C1 C24 killed ${ROUNDS} times under load: nothing acknowledged is lost, at most one batch per kill comes twice`, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const started = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    const child = spawn(process.execPath, [worker, directory, String(round * 10_000_000)], { stdio: ['ignore', 'inherit', 'inherit'] });
    const ended = once(child, 'exit');
    // Every third is killed somewhere in its start, the others while they work, however slow the machine is.
    const before = sizeOf(join(directory, 'acknowledged'));
    if (round % 3 !== 0) await eventually(() => child.exitCode !== null || sizeOf(join(directory, 'acknowledged')) > before, 'an acknowledgement');
    const raced = await Promise.race([sleep(Math.random() * 400, 'killed'), ended]);
    assert.equal(raced, 'killed', `the worker ended by itself in round ${round}`);
    child.kill('SIGKILL');
    await ended;
  }
  const [code] = (await once(spawn(process.execPath, [worker, directory, 'drain'], { stdio: 'inherit' }), 'exit')) as [number];
  assert.equal(code, 0);
  const acknowledged = new Set<number>();
  for (const line of linesOf(join(directory, 'acknowledged'))) {
    const [first = 0, size = 0] = line.split(' ').map(Number);
    for (let index = 0; index < size; index++) acknowledged.add(first + index);
  }
  const delivered = linesOf(join(directory, 'delivered'));
  const numbers = new Set(delivered.map(Number));
  const lost = [...acknowledged].filter((number) => !numbers.has(number));
  const duplicates = delivered.length - numbers.size;
  t.diagnostic(`${ROUNDS} kills, ${acknowledged.size} acknowledged, ${delivered.length} delivered, ${duplicates} duplicate, ${lost.length} lost, ${Math.round((performance.now() - started) / 1000)} s`);
  assert.deepEqual(delivered.filter((line) => !/^\d+$/.test(line)), [], 'altered');
  assert.deepEqual(lost, []);
  assert.ok(acknowledged.size > 100 * ROUNDS, `only ${acknowledged.size} were acknowledged`);
  assert.ok(duplicates <= ROUNDS * MOST_PER_TAKE, `${duplicates} duplicates`);
});

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Whole lines: the last one may be cut by the kill. */
function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}
