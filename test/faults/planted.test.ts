/** The referee and the faults are tested themselves: each finds what was planted into the durable channel, and nothing where nothing was. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Rig, SINK_BATCH } from './durable-agent.ts';
import { gateSink, openGate, triesAtGate } from './gate.ts';
import type { PLANTS } from './planted/planted-channel.ts';
import { CLEAN, harmOf, reportOf, type Conclusion } from './referee/referee.ts';
import { DiskImage } from './system-calls/disk-image.ts';
import { missingForPreload, preloadEnvironment } from './system-calls/preload.ts';

type Plant = (typeof PLANTS)[number];

interface Found extends Conclusion {
  /** What the agent said of its own accord. */
  readonly reported: number;
  /** Sent and unanswered when the agent died: these may be stored, reported, and still come out, since they are sent again. */
  readonly unanswered: number;
}

const HANGS = gateSink('hangs', SINK_BATCH, '@FOLDER@/out/out.txt');
const FAILS = gateSink('fails', SINK_BATCH, '@FOLDER@/out/out.txt');

const hooks = fileURLToPath(new URL('planted/hooks.ts', import.meta.url));

function environment(plant: Plant | undefined): Record<string, string> {
  return plant === undefined ? {} : { NODE_OPTIONS: `--import=${hooks}`, PLANTED: plant };
}

async function conclude(rig: Rig, unanswered = 0): Promise<Found> {
  await rig.agent?.ready();
  // What is lost never comes: two seconds without anything are enough, where 30 are meant for slow disks.
  const conclusion = await rig.referee.conclude({ stalledAfterMs: 2000 });
  return { ...conclusion, reported: await rig.reported(), unanswered };
}

/** The power fails while the sink waits. */
async function powerCut(t: TestContext, plant: Plant | undefined): Promise<Found> {
  const rig = new Rig(t, { sink: HANGS });
  const journal = join(rig.folder, 'journal');
  const image = new DiskImage(rig.store);
  await rig.start({ ...environment(plant), ...preloadEnvironment({ under: rig.store, calls: '', journal }) });
  rig.send(2, 20_000);
  await rig.until('answers', () => rig.acknowledged > 3000);
  await rig.kill();
  image.play(journal);
  image.cut('nothing', rig.referee.random);
  rig.referee.fault('power cut');
  await openGate(rig);
  await rig.start({}, true);
  return conclude(rig);
}

/** Bits of bodies in the store change while the agent is down. */
async function flippedBits(t: TestContext, plant: Plant | undefined): Promise<Found> {
  const { rig, unanswered } = await stored(t, plant);
  const path = largest(rig.store);
  const bytes = readFileSync(path);
  let flipped = 0;
  for (let tries = 0; flipped < 20 && tries < 1_000_000; tries++) {
    const at = rig.referee.random.below(bytes.length - 80) + 40;
    // In the middle of the text of a body.
    if (!bytes.subarray(at - 40, at + 40).every((byte) => byte >= 48 && byte < 112)) continue;
    bytes[at] = (bytes[at] as number) ^ (1 << rig.referee.random.below(4));
    rig.referee.fault(`bit flipped in byte ${at} of ${path}`);
    flipped++;
  }
  assert.equal(flipped, 20, `no bodies found in ${path}`);
  writeFileSync(path, bytes);
  return delivered(rig, plant, unanswered);
}

/** The largest file of the store disappears while the agent is down. */
async function deletedFile(t: TestContext, plant: Plant | undefined): Promise<Found> {
  const { rig, unanswered } = await stored(t, plant);
  const path = largest(rig.store);
  rmSync(path);
  rig.referee.fault(`${path} deleted`);
  return delivered(rig, plant, unanswered);
}

/** The sink fails some times. */
async function failingSink(t: TestContext, plant: Plant | undefined): Promise<Found> {
  const rig = new Rig(t, { sink: FAILS });
  await rig.start(environment(plant), true);
  rig.send(1, 2000);
  await rig.until('failures', async () => (await triesAtGate(rig)) >= 2);
  rig.referee.fault('the sink failed twice');
  await openGate(rig);
  return conclude(rig);
}

/** Killed while the sink holds events. */
async function killedWithLoan(t: TestContext, plant: Plant | undefined): Promise<Found> {
  const { rig, unanswered } = await stored(t, plant);
  return delivered(rig, plant, unanswered);
}

/** An agent that was killed with 3,000 events acknowledged, some of which its sink held. */
async function stored(t: TestContext, plant: Plant | undefined): Promise<{ readonly rig: Rig; readonly unanswered: number }> {
  const rig = new Rig(t, { sink: HANGS });
  await rig.start(environment(plant));
  rig.send(1, 10_000);
  await rig.until('answers, and a write that hangs', async () => rig.acknowledged > 3000 && (await triesAtGate(rig)) > 0);
  await rig.kill();
  rig.referee.fault('kill -9');
  const unanswered = rig.referee.account.ledgers.reduce((sum, { next, acknowledged }) => sum + next - acknowledged, 0);
  return { rig, unanswered };
}

async function delivered(rig: Rig, plant: Plant | undefined, unanswered: number): Promise<Found> {
  await openGate(rig);
  await rig.start(environment(plant), true);
  return conclude(rig, unanswered);
}

function largest(store: string): string {
  const paths = readdirSync(store, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() && entry.name !== 'millrace-reserve' ? [join(entry.parentPath, entry.name)] : []));
  return paths.toSorted((a, b) => statSync(b).size - statSync(a).size)[0] as string;
}

interface Case {
  readonly plant: Plant;
  readonly fault: string;
  readonly play: (t: TestContext, plant: Plant | undefined) => Promise<Found>;
  /** What the planted fault does. */
  readonly caught: (found: Found) => boolean;
  /** Events may be lost, if so many are reported. */
  readonly damage?: boolean;
  readonly needsPreload?: boolean;
}

const CASES: readonly Case[] = [
  { plant: 'early-acknowledgement', fault: 'a power cut', play: powerCut, caught: ({ lost }) => lost > 0, needsPreload: true },
  { plant: 'no-checksum', fault: 'flipped bits', play: flippedBits, caught: ({ altered }) => altered > 0, damage: true },
  { plant: 'forgetful-roll-back', fault: 'a sink that fails', play: failingSink, caught: ({ lost, reported }) => lost > 0 && reported === 0 },
  { plant: 'early-head', fault: 'a kill while the sink works', play: killedWithLoan, caught: ({ lost }) => lost > 0 },
  { plant: 'gap-ignored', fault: 'a deleted file', play: deletedFile, caught: ({ lost, reported }) => lost > 0 && reported < lost, damage: true },
];

describe('the referee finds what is planted', { concurrency: 2 }, () => {
  for (const { plant, fault, play, caught, damage = false, needsPreload = false } of CASES) {
    test(`${plant}, by ${fault}; and nothing without it`, async (t) => {
      const reason = needsPreload ? missingForPreload() : undefined;
      if (reason !== undefined) return t.skip(reason);
      const [planted, sound] = await Promise.all([play(t, plant), play(t, undefined)]);
      t.diagnostic(`planted: ${reportOf(planted)}`);
      t.diagnostic(`sound: ${reportOf(sound)}`);
      assert.ok(caught(planted), 'what was planted was not found');
      assert.deepEqual(harmOf(sound), { ...CLEAN, lost: damage ? sound.lost : 0 });
      if (damage) {
        assert.ok(sound.lost > 0, 'the damage did no harm');
        const { lost, reported, unanswered } = sound;
        assert.ok(reported >= lost && reported <= lost + unanswered, `${lost} events are lost, ${reported} reported, ${unanswered} were unanswered`);
      } else {
        // A sink that wrote nothing before its agent died has nothing to write twice.
        assert.equal(sound.duplicates, 0);
      }
    });
  }
});
