import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../harness/agent.ts';
import { realFiles } from './file-operations.ts';
import { TailAgent } from './tail-agent.ts';
import { HABITS, type Habit, type Pause } from './tail-habits.ts';
import { accountOf, randomFrom, stormLine } from './tail-storm.ts';
import { long } from './watch.ts';

const ROUNDS = Number(process.env['MILLRACE_ROUNDS'] ?? (long ? 20 : 1));
/** Most lines of one transaction of the sink: what one kill may repeat. */
const BATCH = 100;
/** What a source may take to see what became of a file: see docs/tailing.md. */
const WHILE_MS = 6500;
/** These wait several times, and are played by the simulation in any case. */
const SLOW = new Set(['saveByRename', 'receiveVersions', 'replaceByBeginning']);
const habits = Object.entries(HABITS).filter(([name]) => long || !SLOW.has(name));

function seedOf(t: { diagnostic(text: string): void }): number {
  const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e9));
  t.diagnostic(`seed ${seed}`);
  return seed;
}

/** Hands out lines, and waits for them. */
class Lines {
  readonly #rig: TailAgent;
  next = 0;

  constructor(rig: TailAgent) {
    this.#rig = rig;
  }

  take(count: number): string {
    return Array.from({ length: count }, () => `${stormLine(this.next++)}\n`).join('');
  }

  async settled(): Promise<void> {
    const { next } = this;
    let lost: readonly number[] = [];
    await until(() => `${next} lines, of which ${lost.length} are missing: ${lost.slice(0, 5).join(' ')} …\n${this.#rig.agent?.lines.slice(-10).join('\n')}`, async () => {
      ({ lost } = accountOf(await this.#rig.lines(), next));
      return lost.length === 0 ? true : undefined;
    }, 60_000);
  }

  async verdict(): Promise<ReturnType<typeof accountOf>> {
    return accountOf(await this.#rig.lines(), this.next);
  }
}

test(`${habits.length} programs that rotate, save and replace their files, all at once (${ROUNDS} rounds), kill -9 between: each line once`, { timeout: ROUNDS * 120_000 + 60_000 }, async (t) => {
  const random = randomFrom(seedOf(t));
  const below = (limit: number): number => Math.floor(random() * limit);
  const rig = new TailAgent(t);
  const lines = new Lines(rig);
  mkdirSync(join(rig.folder, 'away'));
  let steps = 0;
  const pause = async (kind: Pause): Promise<void> => {
    steps++;
    if (kind === 'settled') await lines.settled();
    else if (kind === 'while') await sleep(WHILE_MS).then(() => rig.agent?.metrics());
    else if (kind === 'breath') await sleep(20);
    else if (random() < 0.5) await sleep(kind === 'moment' ? random() * 300 : random() * 10);
  };
  const play = async (name: string, habit: Habit): Promise<void> => {
    const at = (ending: string): string => rig.path(`app-${name}${ending}`);
    const away = (ending: string): string => join(rig.folder, 'away', `${name}${ending}`);
    for (const kind of habit({ files: realFiles, at, away, lines: (count) => lines.take(count), below })) await pause(kind);
  };
  let kills = 0;
  await rig.start();
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(habits.map(([name, habit]) => play(name, habit)));
    await lines.settled();
    for (let file = 0; file < 4; file++) realFiles.append(rig.path(`app-steady-${file}`), lines.take(500));
    await sleep(random() * 200);
    await rig.kill();
    kills++;
    realFiles.append(rig.path('app-steady-0'), lines.take(5));
    await rig.start();
    await lines.settled();
  }
  // Whatever would still come twice.
  await sleep(WHILE_MS);
  const { lost, repeated, torn } = await lines.verdict();
  t.diagnostic(`${lines.next} lines, ${steps} steps, ${kills} kills: lost ${lost.length}, repeated ${repeated.length}, torn ${torn.length}`);
  assert.deepEqual({ lost: lost.slice(0, 5), torn: torn.slice(0, 5) }, { lost: [], torn: [] });
  assert.ok(repeated.length <= kills * BATCH, `${repeated.length} repeated: ${repeated.slice(0, 10).join(' ')}`);
});

/** Directives, and whether all must have been read before: what is compressed is not read. */
const ROTATIONS: Readonly<Record<string, { readonly directives: string; readonly settles: boolean }>> = {
  create: { directives: 'create', settles: false },
  compress: { directives: 'create\ncompress', settles: false },
  delaycompress: { directives: 'create\ncompress\ndelaycompress', settles: false },
  dateext: { directives: 'create\ndateext\ndateformat -%s', settles: false },
  olddir: { directives: 'create\nolddir @AWAY@', settles: false },
  copytruncate: { directives: 'copytruncate', settles: false },
  copycompress: { directives: 'copytruncate\ncompress', settles: true },
  copydate: { directives: 'copytruncate\ndateext\ndateformat -%s', settles: false },
};

const logrotateIsMissing = spawnSync('logrotate', ['--version']).error === undefined ? false : 'logrotate is not installed';

test(`T1 T5 T20 logrotate itself, in ${Object.keys(ROTATIONS).length} ways: each line once`, { skip: long ? logrotateIsMissing : 'needs MILLRACE_LONG=1', timeout: 600_000 }, async (t) => {
  const random = randomFrom(seedOf(t));
  const rig = new TailAgent(t);
  const lines = new Lines(rig);
  mkdirSync(join(rig.folder, 'away'));
  await rig.start();
  for (const [name, { directives }] of Object.entries(ROTATIONS)) {
    const text = directives.replace('@AWAY@', join(rig.folder, 'away'));
    writeFileSync(join(rig.folder, `${name}.conf`), `${rig.path(`app-${name}.log`)} {\nrotate 3\n${text}\n}\n`, { mode: 0o600 });
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, { settles }] of Object.entries(ROTATIONS)) {
      realFiles.append(rig.path(`app-${name}.log`), lines.take(1 + Math.floor(random() * 40)));
      if (round === 0 || settles) await lines.settled();
      realFiles.append(rig.path(`app-${name}.log`), settles ? '' : lines.take(Math.floor(random() * 5)));
      const { status, stderr } = spawnSync('logrotate', ['--force', '--state', join(rig.folder, `${name}.state`), join(rig.folder, `${name}.conf`)], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      await sleep(random() * 100);
    }
    // A copy that is copied on before anybody looked is as good as new.
    await sleep(WHILE_MS);
  }
  await lines.settled();
  await sleep(WHILE_MS);
  const { lost, repeated, torn } = await lines.verdict();
  t.diagnostic(`${lines.next} lines: lost ${lost.length}, repeated ${repeated.length}, torn ${torn.length}`);
  assert.deepEqual({ lost, repeated, torn }, { lost: [], repeated: [], torn: [] });
});
