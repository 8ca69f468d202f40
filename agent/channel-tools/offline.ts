import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { holdsStore, inspectStore, readGuard, storedEvents, type InspectParts, type StoreView } from '../../channels/leveldb/inspect.ts';
import { readIndexCopy } from '../../channels/leveldb/index-copy.ts';
import { placeOf } from '../../channels/leveldb/place.ts';
import type { RecordCodec } from '../../channels/leveldb/record.ts';
import { factsOf } from '../../channels/leveldb/store-facts.ts';
import { eventJson } from '../../core/event-json.ts';
import { inThousands } from '../../core/printable.ts';
import { describeOwner } from '../../io/owner-file.ts';
import { storeFiles } from '../../io/store-files.ts';
import { Progress } from '../command-line/progress.ts';
import type { ChannelArguments, CommandIo } from '../command-line/types.ts';
import { exportEvents } from './export.ts';
import { repair } from './repair.ts';
import { statText } from './stat.ts';
import type { Target } from './target.ts';
import { verify } from './verify.ts';
import { eventLine } from './words.ts';

/** EX_TEMPFAIL: an agent has the store open. */
const EXIT_IN_USE = 75;
const EXIT_NO_STORE = 66;
const EXIT_DAMAGE = 1;

/** What a command about a store gets. */
export interface Offline {
  readonly target: Target;
  readonly parts: InspectParts;
  readonly args: ChannelArguments;
  readonly io: CommandIo;
  readonly progress: Progress;
}

/** `stat`, `peek`, `export`, `verify` and `repair` on the files of a store. */
export async function examine(target: Target, args: ChannelArguments, io: CommandIo): Promise<number> {
  const place = placeOf(target.dataDirectory, target.checkpointDirectory ?? target.dataDirectory);
  const progress = new Progress(io);
  const found = await withGuard(target);
  const codec = await codecOf(target, args, io);
  const parts: InspectParts = { files: storeFiles, ...found, ...(codec && { codec }), progress: (text) => progress.line(text) };
  if (!(await holdsStore(parts))) {
    io.err(`Error: there is no store of a durable channel in ${target.dataDirectory}\n`);
    return EXIT_NO_STORE;
  }
  const offline: Offline = { target, parts: await withIndex(parts, place.index), args, io, progress };
  if (args.action === 'repair') return repair(offline);
  const view = await inspectStore(offline.parts);
  const user = await describeOwner(storeFiles, place.owner);
  if (user !== undefined && (args.action === 'export' || args.action === 'verify')) {
    io.err(`Error: ${user} has the store open; stop it, or use stat and peek, which can look meanwhile\n`);
    return EXIT_IN_USE;
  }
  if (!args.json && offline.parts.checkpointDirectory === undefined) {
    io.err('Warning: the guard was not found, so that events that were delivered may be shown as if they were left; say --checkpoint-dir DIR, or --conf-file FILE\n');
  }
  if (args.action === 'export') return exportEvents(offline, view);
  if (args.action === 'verify') return verify(offline, view);
  if (args.action === 'peek') return peek(offline, view);
  if (args.json) io.out(`${JSON.stringify({ ...factsOf(view), ...(user !== undefined && { openBy: user }) })}\n`);
  else {
    const words = target.words === undefined ? '' : ` (${target.words})`;
    const open = user === undefined ? 'by nobody' : `by ${user}: these figures are of a moment`;
    io.out(`store in ${place.dataDirectory}${words}\n${statText(factsOf(view), [['open', open]])}`);
  }
  return view.gaps.length > 0 ? EXIT_DAMAGE : 0;
}

/** The figures of `stat` need no key. */
async function codecOf({ encryption }: Target, { action }: ChannelArguments, io: CommandIo): Promise<RecordCodec | undefined> {
  if (encryption === undefined || action === 'stat') return undefined;
  const { recordCodec } = await import('../../channels/leveldb/store-keys.ts');
  return recordCodec(encryption, { warn: (sentence) => io.err(`Warning: ${sentence}\n`) });
}

/** Without a word about it, the guard is looked for in the directory itself and in those beside it. */
async function withGuard({ dataDirectory, checkpointDirectory }: Target): Promise<Pick<InspectParts, 'dataDirectory' | 'checkpointDirectory'>> {
  if (checkpointDirectory !== undefined) return { dataDirectory, checkpointDirectory };
  const above = join(dataDirectory, '..');
  const beside = (await storeFiles.list(above)).map((name) => join(above, name));
  const found: string[] = [];
  for (const directory of [dataDirectory, ...beside.filter((path) => path !== dataDirectory)]) {
    const path = placeOf(dataDirectory, directory).guard;
    if ((await readGuard(storeFiles, path).catch(() => undefined))?.state) found.push(directory);
  }
  // Another channel's guard is beside as well where many channels share one place: then a person has to say which.
  return found.length === 1 ? { dataDirectory, checkpointDirectory: found[0] as string } : { dataDirectory };
}

/** Without a guard the index says what is done with. */
async function withIndex(parts: InspectParts, index: string): Promise<InspectParts> {
  const guard = parts.checkpointDirectory === undefined ? undefined : await readGuard(parts.files, placeOf(parts.dataDirectory, parts.checkpointDirectory).guard);
  if (guard?.state) return parts;
  const done = await readIndexCopy(parts.files, index, join(tmpdir(), `millrace-index-${randomBytes(6).toString('hex')}`));
  return done === undefined ? parts : { ...parts, done };
}

async function peek({ args, io }: Offline, view: StoreView): Promise<number> {
  let shown = 0;
  let missing = 0;
  for await (const item of storedEvents(view)) {
    if (item.kind === 'missing') {
      missing += item.to - item.from;
      const sentence = item.sentences[0] ?? 'nothing is in their place';
      if (args.json) io.out(`${JSON.stringify({ missing: { from: item.from, to: item.to }, reasons: item.sentences })}\n`);
      else io.out(`-- ${item.to - item.from} events from ${item.from} on are missing: ${sentence}\n`);
      continue;
    }
    for (let index = 0; index < item.batch.size && shown < args.most; index++, shown++) {
      const event = eventJson(item.batch, index, item.first + index);
      io.out(args.json ? `${JSON.stringify(event)}\n` : eventLine(event));
    }
    if (shown >= args.most) break;
  }
  if (!args.json) io.err(`${inThousands(shown)} of ${inThousands(view.left)} events; nothing was taken\n`);
  return missing > 0 ? EXIT_DAMAGE : 0;
}
