import { join } from 'node:path';
import type { Batch } from '../../core/batch.ts';
import { describeError } from '../../core/errors.ts';
import { livingOwner } from '../../io/owner-file.ts';
import type { StoreFiles } from '../../io/store-files.ts';
import { listFiles, walk } from './catalogue.ts';
import { readSlots, type GuardReading } from './guard.ts';
import type { DoneState } from './keys.ts';
import type { Gap } from './log-reader.ts';
import { otherFormat } from './other-format.ts';
import { placeOf, type Place } from './place.ts';
import { DoneEvents } from './ranges.ts';
import { alteredText, eventsOf, plainCodec, type RecordCodec } from './record.ts';
import { recover, type Recovery } from './recovery.ts';
import { SegmentScan } from './segment-scan.ts';
import { SEGMENT_BYTES, segmentNumber, type Segment } from './segment.ts';

/** Where a store is, and how to look at it. */
export interface InspectParts {
  readonly files: StoreFiles;
  readonly dataDirectory: string;
  /** Where the guard is; absent: not known. */
  readonly checkpointDirectory?: string;
  /** Plain where it is left out. */
  readonly codec?: RecordCodec;
  /** What the index says is done with, where somebody could read it. */
  readonly done?: DoneState;
  readonly progress?: (text: string) => void;
}

export interface SegmentView extends Segment {
  readonly path: string;
  /** Of the file. */
  readonly bytes: number;
  /** Behind its last event. */
  readonly end: number;
  /** Events that are not done with. */
  readonly left: number;
}

/** What the files of a store say, as they lie there. */
export interface StoreView {
  readonly parts: InspectParts;
  readonly place: Place;
  /** Identity, 16 hex digits. */
  readonly store: string;
  readonly guard: GuardReading | undefined;
  /** The process that has the store open: then all of this is of a moment that has passed. */
  readonly owner?: number;
  readonly done: DoneEvents;
  /** The first event that is not done with. */
  readonly head: number;
  /** The number of the next event. */
  readonly tail: number;
  /** Body bytes below it since the store began. */
  readonly tailByte: number;
  /** Events between them that are not done with and not missing, and about how many bytes their bodies have. */
  readonly left: number;
  readonly leftBytes: number;
  /** When the oldest of them was written, in milliseconds since 1970. */
  readonly oldestMs?: number;
  readonly segments: readonly SegmentView[];
  /** Used-up files that wait to be written over. */
  readonly spares: readonly string[];
  /** Events that are neither done with nor there, as far as the ends of the files tell. */
  readonly gaps: readonly Gap[];
  readonly strange: readonly string[];
  readonly remarks: readonly string[];
}

/** Events as they lie in the store, or what is missing of them. */
export type Stored =
  | { readonly kind: 'events'; readonly first: number; readonly batch: Batch; readonly writtenMs: number }
  | { readonly kind: 'missing'; readonly from: number; readonly to: number; readonly sentences: readonly string[] };

/** Whether there is a store in the directory at all, if only one that nothing was put into yet. */
export async function holdsStore({ files, dataDirectory }: InspectParts): Promise<boolean> {
  const { records, index } = placeOf(dataDirectory, dataDirectory);
  return (await files.list(index)).includes('CURRENT') || (await files.list(records)).some((name) => segmentNumber(name) !== undefined);
}

/**
 * Looks at a store without changing a byte of it, and without its lock. Throws CorruptionError for what belongs to another store or another
 * format, and what the system says of files that cannot be read.
 */
export async function inspectStore(parts: InspectParts): Promise<StoreView> {
  const { files, dataDirectory, checkpointDirectory } = parts;
  const place = placeOf(dataDirectory, checkpointDirectory ?? dataDirectory);
  const guard = checkpointDirectory === undefined ? undefined : await readGuard(files, place.guard);
  if (guard?.version !== undefined) throw otherFormat(place.guard, guard.version);
  const owner = await livingOwner(files, place.owner);
  const found = await recover({
    files,
    directory: place.records,
    guard: guard?.state,
    segmentBytes: SEGMENT_BYTES,
    done: parts.done ?? (guard?.state ? undefined : await beginOfFiles(files, place.records)),
    store: undefined,
    ...(parts.progress && { progress: parts.progress }),
  });
  const segments = await viewsOf(parts, place, found);
  const { done, tail } = found;
  const left = done.open(done.head, tail.event).reduce((sum, { from, to }) => sum + to - from, 0);
  const view: StoreView = {
    parts, place, guard, done, segments,
    ...(owner !== undefined && { owner }),
    store: found.store,
    head: done.head,
    tail: tail.event,
    tailByte: tail.byte,
    left,
    leftBytes: Math.max(0, tail.byte - done.headBytes - done.aboveHead().bytes),
    spares: found.catalogue.spares,
    gaps: found.gaps,
    strange: found.strange,
    remarks: found.remarks,
  };
  const oldestMs = await oldestOf(view);
  return { ...view, ...(oldestMs !== undefined && { oldestMs }) };
}

/** The guard's last account. Does not make the file. */
export async function readGuard(files: StoreFiles, path: string): Promise<GuardReading | undefined> {
  const bytes = await files.read(path);
  return bytes && readSlots(bytes);
}

/** All events that are not done with, in order; what is missing between them stands in its place. */
export async function* storedEvents(view: StoreView): AsyncGenerator<Stored> {
  const { segments, done, tail } = view;
  const identity = Buffer.from(view.store, 'hex');
  const codec = view.parts.codec ?? plainCodec;
  let expected = view.head;
  let sentences: string[] = [];
  const gaps = view.gaps.toSorted((a, b) => a.from - b.from);
  function* gapsBelow(event: number): Generator<Stored> {
    for (let gap = gaps[0]; gap && gap.from < event; gap = gaps[0]) {
      gaps.shift();
      yield { kind: 'missing', from: gap.from, to: gap.to, sentences: gap.faults.map(({ sentence }) => sentence) };
    }
  }
  for (const [index, segment] of segments.entries()) {
    const below = Math.min(tail, segments[index + 1]?.first ?? tail);
    if (below <= expected) continue;
    for await (const item of walkPatiently(view, segment, identity)) {
      if (item.kind === 'damage') {
        sentences.push(`${segment.path}, byte ${item.position}: ${item.sentence}`);
        continue;
      }
      const { first, events, written } = item.header;
      if (first >= below || first + events <= expected) continue;
      const batch = eventsOf(item.bytes, item.header, codec);
      if (!batch) {
        sentences.push(`${segment.path}, byte ${item.position}: ${alteredText(item.header)}`);
        continue;
      }
      if (first > expected) yield* missing(done, expected, first, sentences);
      yield* gapsBelow(first);
      for (const { from, to } of done.open(Math.max(first, expected), first + events)) {
        yield { kind: 'events', first: from, batch: batch.slice(from - first, to - first), writtenMs: written };
      }
      expected = first + events;
      sentences = [];
    }
    if (expected < below) {
      yield* missing(done, expected, below, sentences);
      expected = below;
      sentences = [];
    }
  }
  if (expected < tail) yield* missing(done, expected, tail, sentences);
  yield* gapsBelow(Infinity);
}

/** Every record of a segment in this life of it, and what is no record. A file that is gone has nothing in it. */
export async function* walkPatiently(view: StoreView, segment: Segment, identity: Buffer): ReturnType<typeof walk> {
  try {
    yield* walk(view.parts.files, join(view.place.records, segment.name), identity, segment.generation);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    yield { kind: 'damage', position: 0, length: 0, sentence: `the file is gone: ${describeError(error)}` };
  }
}

/** The parts of a range that are not done with, as missing. */
function* missing(done: DoneEvents, from: number, to: number, sentences: readonly string[]): Generator<Stored> {
  for (const part of done.open(from, to)) yield { kind: 'missing', ...part, sentences };
}

/** Where nothing says what is done with, all that is there counts as not done with. */
async function beginOfFiles(files: StoreFiles, directory: string): Promise<DoneState | undefined> {
  const [first] = (await listFiles({ files, directory, store: undefined, head: 0 })).segments;
  return first && { head: first.first, headBytes: first.firstByte, ranges: [] };
}

async function viewsOf({ files }: InspectParts, place: Place, { catalogue, done, tail }: Recovery): Promise<SegmentView[]> {
  return Promise.all(
    catalogue.segments.map(async (segment, index): Promise<SegmentView> => {
      const path = join(place.records, segment.name);
      const file = await files.open(path, 'read').catch(() => undefined);
      const facts = await file?.facts();
      await file?.close();
      const end = Math.max(segment.first, catalogue.segments[index + 1]?.first ?? tail.event);
      const left = done.open(segment.first, end).reduce((sum, part) => sum + part.to - part.from, 0);
      return { ...segment, path, bytes: facts?.length ?? 0, end, left };
    }),
  );
}

/** When the first record with an event that is not done with was written. */
async function oldestOf(view: StoreView): Promise<number | undefined> {
  const segment = view.segments.find(({ left }) => left > 0);
  if (!segment) return undefined;
  const identity = Buffer.from(view.store, 'hex');
  const file = await view.parts.files.open(segment.path, 'read');
  try {
    const scan = new SegmentScan(file, { identity, generation: segment.generation });
    for (let found = await scan.next(Infinity); found; found = await scan.next(Infinity)) {
      for (const { header } of found) if (header && view.done.open(header.first, header.first + header.events).length > 0) return header.written;
    }
    return undefined;
  } finally {
    await file.close();
  }
}

