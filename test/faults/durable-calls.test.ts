import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { randomOf } from '../compat/random.ts';
import { FakeContext } from '../conformance/fakes.ts';
import { drain, inPairs, judge, play, Stores, type Mode, type Played } from './system-calls/play.ts';
import { missingForPreload, type Calls, type What } from './system-calls/preload.ts';
import { long } from './watch.ts';

const stores = new Stores();
after(() => stores.remove());

const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const random = randomOf(seed);

interface Plan {
  readonly title: string;
  readonly mode: Mode;
  readonly calls: Calls;
  readonly whats: readonly What[];
  /** Calls of each kind of fault in `npm test`; all of them with MILLRACE_LONG=1. */
  readonly sample: number;
}

const PLANS: readonly Plan[] = [
  { title: 'C2 killed before, in and after the n-th system call', mode: 'once', calls: 'wsrutc', whats: ['kill', 'torn', 'after'], sample: 2 },
  { title: 'C2 under load: killed before, in and after the n-th system call', mode: 'load', calls: 'wsrutc', whats: ['kill', 'torn', 'after'], sample: 1 },
  { title: 'C8 the n-th write, or change of a name, finds the disk full, or is done by half', mode: 'load', calls: 'wrutc', whats: ['ENOSPC', 'short'], sample: 2 },
  { title: 'C8 the n-th call on an idle channel finds the disk full, or is done by half', mode: 'once', calls: 'wsrutc', whats: ['ENOSPC', 'short'], sample: 1 },
  { title: 'C12 the n-th sync fails once, and those after it succeed', mode: 'load', calls: 's', whats: ['EIO'], sample: 3 },
  { title: 'C12 the n-th write or change of a name fails once', mode: 'load', calls: 'wrutc', whats: ['EIO'], sample: 1 },
];

describe('the durable channel, with the n-th system call of its process at fault', { concurrency: false }, () => {
  const reason = missingForPreload();
  /** A store that a killed process left, and the numbers in it. */
  let left = '';
  let held: number[] = [];

  before(async () => {
    if (reason !== undefined) return;
    // Killed late in a life under load, somewhere between two syncs: how much is left then is a matter of chance.
    for (let at = 17; at < 40 && held.length <= 100; at++) {
      left = stores.make();
      const played = await play(left, 'load', 0, { calls: 's', what: 'kill', at });
      assert.equal(played.status, null, played.stderr);
      held = await drain(stores.make(left), new FakeContext(), []);
    }
    assert.ok(held.length > 100, `only ${held.length} events were left`);
  });

  for (const plan of PLANS) {
    for (const begin of ['a new store', 'a store that a killed process left'] as const) {
      test(`${plan.title}: ${begin}`, async (t) => {
        if (reason !== undefined) return t.skip(reason);
        const template = begin === 'a new store' ? undefined : left;
        await playAll(t, plan, template, template === undefined ? [] : held);
      });
    }
  }
});

/** Numbers of a worker over a store that is not new. */
const FROM = 1_000_000;

async function playAll(t: TestContext, { mode, calls, whats, sample }: Plan, template: string | undefined, held: readonly number[]): Promise<void> {
  const trial = stores.make(template);
  const untouched = await play(trial, mode, FROM, { calls });
  assert.equal(untouched.status, 0, untouched.stderr);
  const count = untouched.calls.length;
  stores.drop(trial);
  const every = Array.from({ length: count }, (_, index) => index + 1);
  // The same process makes a few calls more or fewer each time: a sample keeps away from the last ones.
  const sure = every.slice(0, Math.ceil(0.8 * count));
  const cases = whats.flatMap((what) => (long ? every : random.shuffled(sure).slice(0, sample)).map((at) => ({ what, at })));
  const wrong: string[] = [];
  let reached = 0;
  await inPairs(cases, async ({ what, at }) => {
    const directory = stores.make(template);
    const played = await play(directory, mode, FROM, { calls, what, at });
    if (played.calls.length >= at) reached++;
    const faults = await judge(directory, played, held).catch((error: unknown) => [`does not open: ${String(error)}`]);
    faults.push(...lifeFaults(what, played));
    wrong.push(...faults.map((fault) => `${what} at call ${at} (${played.calls[at - 1]}): ${fault}`));
    stores.drop(directory);
  });
  t.diagnostic(`seed ${seed}; ${cases.length} faults among ${count} calls, ${reached} of them reached`);
  assert.deepEqual(wrong, []);
  assert.ok(reached >= cases.length * 0.8, `only ${reached} of ${cases.length} faults were reached`);
}

/** A killed process is dead, and any other ends by itself with everything acknowledged. */
function lifeFaults(what: What, { status, stderr, notes, calls }: Played): string[] {
  if (what === 'kill' || what === 'torn' || what === 'after') return [];
  const faults = status === 0 ? [] : [`status ${status} after ${calls.length} calls; ${notes.filter((note) => /refused|not started/.test(note.what)).map(({ text }) => text).join('; ')} ${stderr}`];
  if (!notes.some((note) => note.what === 'reported' && note.text === '0')) faults.push(`reported as lost: ${notes.find((note) => note.what === 'reported')?.text}`);
  return faults;
}
