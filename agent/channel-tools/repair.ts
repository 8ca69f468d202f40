import { createDurableChannel } from '../../channels/leveldb/create.ts';
import { fileChannel } from '../../channels/leveldb/index.ts';
import { inspectStore } from '../../channels/leveldb/inspect.ts';
import { placeOf } from '../../channels/leveldb/place.ts';
import { planRepair, repairStore, type RepairParts } from '../../channels/leveldb/repair.ts';
import { verifyStore } from '../../channels/leveldb/verify.ts';
import type { Logger } from '../../core/log.ts';
import { inThousands } from '../../core/printable.ts';
import { readOptions } from '../../core/read-options.ts';
import { describeOwner } from '../../io/owner-file.ts';
import type { CommandIo } from '../command-line/types.ts';
import type { Offline } from './offline.ts';
import type { Target } from './target.ts';
import { isSound, lostOf, verificationText } from './verify.ts';
import { size } from './words.ts';

const EXIT_DAMAGE = 1;
const EXIT_USAGE = 64;
const EXIT_IN_USE = 75;

/** Shows what would be done about a store, and does it with `--yes`. Files are moved or get a second name; nothing is deleted. */
export async function repair({ target, parts, args, io, progress }: Offline): Promise<number> {
  const { checkpointDirectory } = parts;
  if (checkpointDirectory === undefined) {
    io.err('Error: repair has to know where the guard is: --checkpoint-dir DIR, or --conf-file FILE\n');
    return EXIT_USAGE;
  }
  const all: RepairParts = { ...parts, checkpointDirectory };
  const user = await describeOwner(parts.files, placeOf(parts.dataDirectory, checkpointDirectory).owner);
  if (user !== undefined) {
    io.err(`Error: ${user} has the store open; stop it first\n`);
    return EXIT_IN_USE;
  }
  const show = (done: number, of: number): void => progress.show(done / Math.max(1, of), `verified ${size(done)} of ${size(of)}`);
  const plan = await planRepair(all, show);
  progress.end();
  const { view, verification, steps, lost } = plan;
  io.out(verificationText(view, verification));
  if (isSound(view, verification) && steps.length === 0) {
    io.out('There is nothing to repair.\n');
    return 0;
  }
  io.out(`\n${args.yes ? 'This is done' : 'This would be done'}:\n`);
  for (const { how, from, to, why } of steps) io.out(how === 'move' ? `  move ${from} to ${to}: ${why}\n` : `  keep ${from} as it is under ${to} too: ${why}\n`);
  if (lost.length > 0) io.out(`  write ${inThousands(lostOf(verification))} events down as lost, with their numbers in ${plan.aside}/report.txt\n`);
  if (!args.yes) {
    io.out('\nNothing was changed. To do it: the same command with --yes\n');
    return EXIT_DAMAGE;
  }
  await repairStore(all, plan, () => reopen(all, target, io));
  const after = await inspectStore(all);
  const verified = await verifyStore(after, show);
  progress.end();
  io.out(`\nAfterwards: ${inThousands(verified.left)} events are left and sound; ${inThousands(lostOf(verification))} are lost; what was damaged is in ${plan.aside}\n`);
  return lostOf(verified) > 0 ? EXIT_DAMAGE : 0;
}

/** As an agent opens it, which mends what it can; told as warnings. */
async function reopen({ dataDirectory, checkpointDirectory }: RepairParts, { encryption }: Target, io: CommandIo): Promise<void> {
  const say = (sentence: string, facts: Readonly<Record<string, unknown>> = {}): void => {
    io.err(`Warning: ${sentence}${Object.entries(facts).map(([name, value]) => ` ${name}=${String(value)}`).join('')}\n`);
  };
  const log: Logger = { error: say, warn: say, info: () => undefined, debug: () => undefined, event: () => undefined, ready: async () => undefined };
  const options = new Map([
    ['dataDirs', dataDirectory],
    ['checkpointDir', checkpointDirectory],
    ['minimumRequiredSpace', '0'],
  ]);
  const { values } = readOptions(fileChannel, options);
  if (!values) throw new Error(`a store cannot be opened in ${dataDirectory}`);
  const channel = await createDurableChannel({ name: 'repair', log, count: () => undefined, fail: () => undefined }, { ...values, ...encryption });
  await channel.start();
  await channel.stop();
}
