/**
 * Stores that were damaged while nobody had them open. Each time: no body altered, nothing twice, nothing back that was committed, exactly
 * as many events missing as are reported, the damaged part kept, and the channel goes on. The files of a store are found by looking.
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { randomOf } from '../compat/random.ts';
import { FakeContext } from '../conformance/fakes.ts';
import { Bodies } from './referee/bodies.ts';
import { drain, play, Stores } from './system-calls/play.ts';
import { missingForPreload } from './system-calls/preload.ts';
import { long } from './watch.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const random = randomOf(seed);
/** Positions of each kind of file in which a bit is flipped. */
const FLIPS = Number(process.env['MILLRACE_FLIPS'] ?? (long ? 1000 : 4));

const bodies = new Bodies('numbered-short');
const memory = existsSync('/dev/shm') ? '/dev/shm' : undefined;
const stores = new Stores(memory);
after(() => stores.remove());

interface Template {
  readonly title: string;
  directory: string;
  held: ReadonlySet<number>;
  /** Files with what they are called, without the digits that differ from store to store. */
  files: readonly { readonly path: string; readonly kind: string }[];
}

const templates: readonly Template[] = [
  { title: 'a store that was stopped', directory: '', held: new Set(), files: [] },
  { title: 'a store that was killed in its second life', directory: '', held: new Set(), files: [] },
];

interface Tally {
  damaged: number;
  intact: number;
  lossy: number;
  lost: number;
  readonly wrong: string[];
}

describe('the durable channel over damaged files', { concurrency: false }, () => {
  const reason = missingForPreload();

  before(async () => {
    if (reason !== undefined) return;
    const [stopped, killed] = templates as [Template, Template];
    stopped.directory = stores.make();
    await filled(stopped.directory, 'fill', 0);
    killed.directory = stores.make(stopped.directory);
    await filled(killed.directory, 'left', 5000);
    for (const template of templates) {
      template.held = new Set(await drain(stores.make(template.directory), new FakeContext(), [], bodies));
      template.files = filesOf(template.directory);
    }
  });

  for (const template of templates) {
    const played = (title: string, play: (tally: Tally) => Promise<void>): void => {
      test(`${title}: ${template.title}`, async (t) => {
        if (reason !== undefined) return t.skip(reason);
        await account(t, play);
      });
    };
    played('C14 each file of the store is deleted', async (tally) => {
      for (const { path } of template.files) await damage(template, path, 'deleted', () => undefined, tally);
    });
    played('C15 each file of the store is emptied, filled with zeros, cut, or comes from before', async (tally) => {
      for (const { path } of template.files) for (const [what, apply] of changesOf(template, path)) await damage(template, path, what, apply, tally);
    });
    played('C4 the newest file is cut anywhere in the last events', async (tally) => {
      for (const path of newest(template)) {
        const end = usedEnd(readFileSync(join(template.directory, path)));
        const cuts = Array.from({ length: 600 }, (_, index) => end - index).filter((at) => at > 0);
        for (const at of long ? cuts : random.shuffled(cuts).slice(0, 5)) await damage(template, path, `cut at ${at} of ${end}`, (bytes) => bytes.subarray(0, at), tally);
      }
    });
    played('C6 the newest file ends in zeros or garbage', async (tally) => {
      for (const path of newest(template)) {
        for (const length of [512, 4096, 65_536]) for (const [what, apply] of tailsOf(length)) await damage(template, path, what, apply, tally);
      }
    });
    played(`C5 one bit is flipped, at ${FLIPS} positions of each kind of file`, async (tally) => {
      const kinds = Map.groupBy(template.files, ({ kind }) => kind);
      for (const [kind, files] of kinds) {
        const bits = Math.max(...files.map(({ path }) => statSync(join(template.directory, path)).size)) * 8;
        for (let flip = 0; flip < Math.min(FLIPS, bits); flip++) {
          const { path } = random.pick(files);
          const size = usedEnd(readFileSync(join(template.directory, path)));
          if (size === 0) continue;
          const bit = random.below(size * 8);
          await damage(template, path, `bit ${bit} of ${kind} flipped`, (bytes) => flipped(bytes, bit), tally);
        }
      }
    });
  }
});

async function filled(directory: string, mode: 'fill' | 'left', from: number): Promise<void> {
  const { status, notes, stderr } = await play(directory, mode, from, {});
  assert.equal(status, mode === 'fill' ? 0 : null, stderr);
  assert.equal(notes.filter(({ what }) => what === 'acknowledged').length, 50);
}

function filesOf(directory: string): Template['files'] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && statSync(join(entry.parentPath, entry.name)).size > 0 && !/^millrace-reserve$/.test(entry.name))
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .map((path) => ({ path, kind: `${basename(dirname(path))}/${basename(path).replace(/[0-9a-f]*\d[0-9a-f]*/g, 'N')}` }));
}

/** The files that grew or changed in the second life, largest change last; for a store with one life, the largest. */
function newest(template: Template): readonly string[] {
  const sizes = template.files.map(({ path }) => ({ path, size: usedEnd(readFileSync(join(template.directory, path))), changed: statSync(join(template.directory, path)).mtimeMs }));
  const data = sizes.filter(({ size }) => size > 50_000);
  return data.toSorted((a, b) => b.changed - a.changed).slice(0, 1).map(({ path }) => path);
}

/** Behind the last byte that is not zero: files that were set aside in advance end in zeros. */
function usedEnd(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

type Change = (bytes: Buffer) => Buffer | undefined;

function changesOf(template: Template, path: string): readonly (readonly [string, Change])[] {
  const older = join((templates[0] as Template).directory, path);
  const end = usedEnd(readFileSync(join(template.directory, path)));
  const cuts = [1, 7, 8, 31, 32, 100, 4095, 4096, 32_768, Math.floor(end / 2), end - 1].filter((at) => at > 0 && at < end);
  return [
    ['emptied', () => Buffer.alloc(0)],
    ['filled with zeros', (bytes) => Buffer.alloc(bytes.length)],
    ['filled with garbage', (bytes) => garbage(bytes.length)],
    ...(long ? cuts : random.shuffled(cuts).slice(0, 2)).map((at) => [`cut at ${at}`, (bytes: Buffer) => bytes.subarray(0, at)] as const),
    ...(template === templates[1] && existsSync(older) ? [['from before', () => readFileSync(older)] as const] : []),
  ];
}

function tailsOf(length: number): readonly (readonly [string, Change])[] {
  const tail = (make: (size: number) => Buffer, more: number): Change => (bytes) => {
    const end = usedEnd(bytes);
    const from = Math.max(0, end - length);
    return Buffer.concat([bytes.subarray(0, from), make(end - from + more), bytes.subarray(end + more)]);
  };
  const zeros = (size: number): Buffer => Buffer.alloc(size);
  return [
    [`the last ${length} bytes are zeros`, tail(zeros, 0)],
    [`the last ${length} bytes are garbage`, tail(garbage, 0)],
    [`the last ${length} bytes are zeros, and longer`, tail(zeros, length)],
    [`the last ${length} bytes are garbage, and longer`, tail(garbage, length)],
    [`${length} bytes of garbage follow`, (bytes) => Buffer.concat([bytes.subarray(0, usedEnd(bytes)), garbage(length), bytes.subarray(usedEnd(bytes) + length)])],
  ];
}

/** Repeats itself where it is long. */
function garbage(length: number): Buffer {
  return Buffer.alloc(length, Buffer.from(Array.from({ length: Math.min(length, 65_521) }, () => random.below(256))));
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const at = Math.floor(bit / 8);
  bytes[at] = (bytes[at] as number) ^ (1 << bit % 8);
  return bytes;
}

async function account(t: TestContext, play: (tally: Tally) => Promise<void>): Promise<void> {
  const tally: Tally = { damaged: 0, intact: 0, lossy: 0, lost: 0, wrong: [] };
  await play(tally);
  t.diagnostic(`seed ${seed}; ${tally.damaged} times damaged: ${tally.intact} without loss, ${tally.lossy} with one that was reported exactly (${tally.lost} events), ${tally.wrong.length} wrong`);
  assert.deepEqual(tally.wrong, []);
  assert.ok(tally.damaged > 0);
}

async function damage(template: Template, path: string, what: string, apply: Change, tally: Tally): Promise<void> {
  const directory = stores.make(template.directory);
  const changed = apply(readFileSync(join(directory, path)));
  if (changed) writeFileSync(join(directory, path), changed);
  else rmSync(join(directory, path));
  const context = new FakeContext();
  const faults: string[] = [];
  try {
    const drained = new Set(await drain(directory, context, faults, bodies));
    const missing = [...template.held].filter((number) => !drained.has(number)).length;
    const back = [...drained].filter((number) => !template.held.has(number)).length;
    const reported = context.counted('EventLostCount');
    if (missing !== reported) faults.push(`${missing} events are missing, ${reported} are reported`);
    if (back > 0) faults.push(`${back} events came back after their commit`);
    const errors = context.log.lines.filter(({ level }) => level === 'error');
    if (missing > 0 && errors.length === 0) faults.push('the log says nothing');
    for (const { facts } of errors) if (!existsSync(String(facts['aside']))) faults.push(`nothing was kept: ${JSON.stringify(facts)}`);
    tally.lost += missing;
    if (missing > 0) tally.lossy++;
    else tally.intact++;
  } catch (error) {
    faults.push(`does not open: ${String(error)}`);
  }
  tally.damaged++;
  tally.wrong.push(...faults.map((fault) => `${path}, ${what}: ${fault}`));
  stores.drop(directory);
}
