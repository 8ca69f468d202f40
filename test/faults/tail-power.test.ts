import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomOf, type Random } from '../compat/random.ts';
import { until } from '../harness/agent.ts';
import { DiskImage, type Cut } from './system-calls/disk-image.ts';
import { missingForPreload, preloadEnvironment } from './system-calls/preload.ts';
import { TailAgent } from './tail-agent.ts';
import { accountOf, stormLine } from './tail-storm.ts';
import { long } from './watch.ts';

const CUTS = Number(process.env['MILLRACE_CUTS'] ?? (long ? 200 : 3));
const KILLS = Number(process.env['MILLRACE_KILLS'] ?? (long ? 60 : 2));
/** See `sources/taildir/create.ts`. */
const WINDOW_BYTES = 2 * 1024 * 1024;
const HOW: readonly Cut[] = ['nothing', 'begin', 'blocks'];

/** Writes to three files that are rotated now and then, for as long as it is told to. */
class Writer {
  readonly #rig: TailAgent;
  readonly #random: Random;
  readonly #timer: NodeJS.Timeout;
  next = 0;
  #rotation = 0;

  constructor(rig: TailAgent, random: Random) {
    this.#rig = rig;
    this.#random = random;
    this.#timer = setInterval(() => this.#write(), 10);
  }

  #write(): void {
    const path = this.#rig.path(`app-${this.#random.below(3)}.log`);
    appendFileSync(path, Array.from({ length: 1 + this.#random.below(30) }, () => `${stormLine(this.next++)}\n`).join(''));
    if (this.#random.below(60) === 0) renameSync(path, `${path}.${this.#rotation++}`);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

class PowerRig {
  readonly agent: TailAgent;
  readonly random: Random;
  readonly store: string;
  readonly journal: string;
  readonly writer: Writer;

  /** The channel is in the folder `store`. */
  constructor(t: TestContext, positionFile: string) {
    const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e9));
    t.diagnostic(`seed ${seed}`);
    this.random = randomOf(seed);
    this.agent = new TailAgent(t, { source: { positionFile, writePosInterval: '200' } });
    this.store = join(this.agent.folder, 'store');
    mkdirSync(this.store);
    this.journal = join(this.agent.folder, 'journal');
    this.writer = new Writer(this.agent, this.random);
    t.after(() => this.writer.stop());
  }

  /** Everything comes out in the end, each line whole. */
  async conclude(t: TestContext): Promise<number> {
    this.writer.stop();
    await this.agent.start();
    const { next } = this.writer;
    let account = accountOf([], next);
    await until(() => `all lines; ${account.lost.length} are missing, from ${account.lost[0]} on`, async () => {
      account = accountOf(await this.agent.lines(), next);
      return account.lost.length === 0 ? true : undefined;
    }, 60_000);
    t.diagnostic(`${next} lines, ${account.repeated.length} came again`);
    assert.deepEqual(account.torn.slice(0, 5), []);
    return account.repeated.length;
  }
}

test(`T24 the power fails ${CUTS} times, and of positions and channel only what was synced is sure to be kept: no line is lost`, { timeout: CUTS * 15_000 + 120_000 }, async (t) => {
  const reason = missingForPreload();
  if (reason !== undefined) return t.skip(reason);
  const rig = new PowerRig(t, '@FOLDER@/store/p.json');
  for (let round = 0; round < CUTS; round++) {
    const image = new DiskImage(rig.store);
    const agent = await rig.agent.start({ env: preloadEnvironment({ under: rig.store, calls: '', journal: rig.journal }) });
    if (round % 4 !== 0) await agent.counter('SOURCE.r1', 'EventAcceptedCount', (count) => count > 0);
    await sleep(rig.random.below(700));
    await rig.agent.kill();
    image.play(rig.journal);
    rmSync(rig.journal, { force: true });
    image.cut(HOW[round % HOW.length] as Cut, rig.random);
  }
  await rig.conclude(t);
});

test(`T23 killed at the n-th system call that the positions are written down with, ${KILLS} times: nothing is lost, and no more comes again than was on its way`, { timeout: KILLS * 30_000 + 120_000 }, async (t) => {
  const reason = missingForPreload();
  if (reason !== undefined) return t.skip(reason);
  const rig = new PowerRig(t, '@FOLDER@/positions/p.json');
  const positions = join(rig.agent.folder, 'positions');
  mkdirSync(positions);
  let saved = false;
  for (let kill = 0; kill < KILLS; kill++) {
    const what = (['kill', 'torn', 'after'] as const)[kill % 3] as 'kill' | 'torn' | 'after';
    // The calls of the first saves, and later ones, in which the log is written too.
    const at = 1 + rig.random.below(kill % 2 === 0 ? 12 : 120);
    const agent = await rig.agent.start({ env: preloadEnvironment({ under: positions, calls: 'wsrutc', what, at }) }).catch(() => rig.agent.agent);
    await until(`the end at call ${at} (${what})`, () => (agent?.running() === false ? true : undefined), 30_000);
    // Never none, once there were some.
    assert.ok(existsSync(join(positions, 'p.json')) || !saved, 'there are no positions any more');
    saved = existsSync(join(positions, 'p.json'));
  }
  const repeated = await rig.conclude(t);
  // What may be on its way into the channel at a time, of which the shortest line counts 16 bytes and its own.
  assert.ok(repeated <= (KILLS * WINDOW_BYTES) / 20, `${repeated} lines came again`);
});
