import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { StoreFiles } from '../../io/store-files.ts';
import { listFiles, walk, type FoundFiles } from './catalogue.ts';
import type { Catalogue } from './event-log.ts';
import type { Tail } from './group.ts';
import type { GuardState } from './guard.ts';
import type { DoneState } from './keys.ts';
import type { Fault, Gap } from './log-reader.ts';
import { DoneEvents } from './ranges.ts';
import { RECORDS_AT, type Segment } from './segment.ts';

export interface Recovery {
  /** Identity of the store, 16 hex digits. */
  readonly store: string;
  /** What is done with; the gaps are part of it. */
  readonly done: DoneEvents;
  /** Where the next event goes. */
  readonly tail: Tail;
  /** Events that are neither done nor there. */
  readonly gaps: readonly Gap[];
  readonly catalogue: Catalogue;
  /** Bytes behind `catalogue.end` hold records that nobody was promised: they are to be cut off. */
  readonly leftOver: boolean;
  /** Names of files in which nothing can be recognised. */
  readonly strange: readonly string[];
  /** What else was found and mended, for the log. */
  readonly remarks: readonly string[];
}

export interface RecoveryParts {
  readonly files: StoreFiles;
  /** Where the segments lie. */
  readonly directory: string;
  readonly guard: GuardState | undefined;
  /** Length of a new segment; one that is shorter is looked through. */
  readonly segmentBytes: number;
  /** The account in the index. */
  readonly done: DoneState | undefined;
  /** Identity that the index says, where there is no guard. */
  readonly store: string | undefined;
  /** Events from this number on were refused to their sources, and may be in the store all the same. */
  readonly refusedFrom?: number;
  readonly progress?: (text: string) => void;
}

/**
 * Finds out what the files of a store hold: what is done with, where the next event goes, what is missing. Changes nothing. The last
 * segment is read and verified; in those before it only a file that is missing or cut is noticed here, and the rest when it is read.
 */
export async function recover(parts: RecoveryParts): Promise<Recovery> {
  const { guard } = parts;
  const account = latestDone(parts.done, guard);
  const found = await listFiles({ ...parts, store: guard?.store ?? parts.store, head: account?.head ?? 0 });
  const done = account ?? beginOf(found.segments);
  const store = found.store ?? guard?.store ?? parts.store ?? randomBytes(8).toString('hex');
  const remarks = [...found.remarks];
  if (!account && found.segments.length > 0) remarks.push(`nothing says what is done with: everything from event ${done.head} on is delivered, some of it once more`);
  if (guard && guard.tail > done.head && found.segments.length === 0) remarks.push('there are no files of events, and the guard says that there were');
  const identity = Buffer.from(store, 'hex');
  const gaps = await missingBetween(parts, identity, found.segments, done);
  const last = found.segments.at(-1);
  const end = last ? await endOf(parts, identity, last, done) : { tail: { event: done.head, byte: done.headBytes }, position: undefined, gaps: [], leftOver: false, faults: [] };
  gaps.push(...end.gaps);
  let { tail } = end;
  for (const promised of [guard && { event: guard.tail, byte: guard.tailBytes }, endOfDone(done)]) {
    if (!promised || promised.event <= tail.event) continue;
    gaps.push({ from: tail.event, to: promised.event, bytes: Math.max(0, promised.byte - tail.byte), faults: end.faults });
    tail = promised;
  }
  const missing = gaps.flatMap((gap) => takeOut(gap, done));
  for (const { faults } of missing) for (const { segment } of faults) segment.evidence = true;
  for (const gap of missing) done.add(gap);
  const goesOn = end.position !== undefined && tail === end.tail && last?.evidence !== true;
  return {
    store,
    done,
    tail,
    gaps: missing,
    catalogue: catalogueOf(found, goesOn ? end.position : undefined),
    leftOver: goesOn && end.leftOver,
    strange: found.strange,
    remarks,
  };
}

/** The parts of a gap that are not done with; the bytes of several parts are shared out by events. */
export function takeOut(gap: Gap, done: DoneEvents): Gap[] {
  const open = done.open(gap.from, gap.to);
  return open.map(({ from, to }) => ({ from, to, bytes: Math.round((gap.bytes * (to - from)) / (gap.to - gap.from)), faults: gap.faults }));
}

function catalogueOf({ segments, spares, nextNumber, nextGeneration }: FoundFiles, end: number | undefined): Catalogue {
  return { segments, spares, nextNumber, nextGeneration, ...(end !== undefined && { end }) };
}

/** Both accounts only ever grow, so the one that is further on holds the other. */
function latestDone(inIndex: DoneState | undefined, guard: GuardState | undefined): DoneEvents | undefined {
  const states = [inIndex, guard?.done].filter((state) => state !== undefined);
  const accounts = states.map((state) => new DoneEvents(state.head, state.headBytes, state.ranges));
  accounts.sort((a, b) => b.head + b.aboveHead().events - a.head - a.aboveHead().events);
  return accounts[0];
}

/** Where nobody knows what is done with: the begin of the last segments that follow one another. Those before them were used up for long. */
function beginOf(segments: readonly Segment[]): DoneEvents {
  let begin = segments.length - 1;
  while (begin > 0 && segments[begin - 1]?.generation === (segments[begin] as Segment).generation - 1) begin--;
  const first = segments[begin];
  return new DoneEvents(first?.first, first?.firstByte);
}

/** What was delivered before it was on the disk, and lost there, keeps its number. */
function endOfDone(done: DoneEvents): Tail {
  const event = done.ranges.at(-1)?.to ?? done.head;
  return { event, byte: done.headBytes + done.aboveHead().bytes };
}

/** Events of files that are not there any more, or were cut, before the last one. */
async function missingBetween({ files, directory, segmentBytes }: RecoveryParts, identity: Buffer, segments: readonly Segment[], done: DoneEvents): Promise<Gap[]> {
  const gaps: Gap[] = [];
  const [first] = segments;
  if (first && first.first > done.head) {
    gaps.push({ from: done.head, to: first.first, bytes: Math.max(0, first.firstByte - done.headBytes), faults: [] });
  }
  for (const [index, segment] of segments.slice(0, -1).entries()) {
    const next = segments[index + 1] as Segment;
    if (next.first <= done.head || (next.generation === segment.generation + 1 && (await isWhole(files, join(directory, segment.name), segmentBytes)))) continue;
    let end: Tail = { event: segment.first, byte: segment.firstByte };
    for await (const { kind, header } of walk(files, join(directory, segment.name), identity, segment.generation)) {
      if (kind !== 'record' || !header || header.first < end.event || header.first >= next.first) continue;
      end = { event: header.first + header.events, byte: header.firstByte + header.bytes };
    }
    if (end.event < next.first) gaps.push({ from: end.event, to: next.first, bytes: Math.max(0, next.firstByte - end.byte), faults: [] });
  }
  return gaps;
}

async function isWhole(files: StoreFiles, path: string, segmentBytes: number): Promise<boolean> {
  const file = await files.open(path, 'read');
  try {
    return (await file.facts()).length >= segmentBytes;
  } finally {
    await file.close();
  }
}

interface End {
  readonly tail: Tail;
  /** Byte behind the last record that counts. */
  readonly position: number | undefined;
  readonly gaps: readonly Gap[];
  /** Records follow that do not count. */
  readonly leftOver: boolean;
  /** What lies behind the last record that counts. */
  readonly faults: readonly Fault[];
}

/**
 * The end of the last segment. Events that are missing in front of others were never promised if nothing says that they were on the disk:
 * neither the guard, nor a later record, nor that they were delivered. Then a power cut left a part of the last write, which ends there.
 */
async function endOf({ files, directory, guard, refusedFrom = Infinity }: RecoveryParts, identity: Buffer, segment: Segment, done: DoneEvents): Promise<End> {
  const path = join(directory, segment.name);
  const records: { header: { first: number; events: number; firstByte: number; bytes: number }; end: number }[] = [];
  const damage: { position: number; fault: Fault }[] = [];
  let promised = Math.max(guard?.tail ?? 0, endOfDone(done).event);
  for await (const item of walk(files, path, identity, segment.generation)) {
    if (item.kind === 'damage') damage.push({ position: item.position, fault: { segment, sentence: `${path}, byte ${item.position}: ${item.sentence}` } });
    else records.push({ header: item.header, end: item.position + item.header.length });
    if (item.header) promised = Math.max(promised, item.header.synced);
  }
  const gaps: Gap[] = [];
  let tail: Tail = { event: segment.first, byte: segment.firstByte };
  let position = RECORDS_AT;
  let leftOver = false;
  for (const { header, end } of records) {
    if (header.first < tail.event) continue;
    leftOver = header.first >= refusedFrom || (header.first > tail.event && tail.event >= promised);
    if (leftOver) break;
    if (header.first > tail.event) {
      const faults = damage.filter((one) => one.position >= position && one.position < end).map(({ fault }) => fault);
      gaps.push({ from: tail.event, to: header.first, bytes: Math.max(0, header.firstByte - tail.byte), faults });
    }
    tail = { event: header.first + header.events, byte: header.firstByte + header.bytes };
    position = end;
  }
  const faults = damage.filter((one) => one.position >= position).map(({ fault }) => fault);
  return { tail, position, gaps, leftOver, faults };
}
