import { randomBytes } from 'node:crypto';
import { CorruptionError } from '../../core/errors.ts';
import type { GuardState } from './guard.ts';
import { dataKey, decodeDone, decodeRow, encodeDone, eventOfKey, FORMAT_VERSION, HEAD_KEY, indexKey, META_KEY, type DoneState, type IndexRow } from './keys.ts';
import { DoneEvents } from './ranges.ts';
import { RecordReader, type Fault, type Gap, type Tail } from './record-reader.ts';
import { isDamage, type Entry, type Step, type Store } from './store.ts';

export interface Recovery {
  /** Identity of the store, 16 hex digits. */
  readonly store: string;
  /** What is done with; the gaps are part of it. */
  readonly done: DoneEvents;
  /** Where the next event goes. */
  readonly tail: Tail;
  /** Where the record begins that holds the head. */
  readonly seek: number;
  /** Events that are neither done nor there. */
  readonly gaps: readonly Gap[];
  /** What else was found and mended, for the log. */
  readonly remarks: readonly string[];
}

export interface RecoveryOptions {
  /**
   * Verifies every record that is left, not only the index, and passes over what cannot be read. Otherwise such an error is thrown: the
   * store is to be repaired first.
   */
  readonly thorough: boolean;
  /** Events from this number on were refused to their sources, and may be in the store all the same: they are removed. */
  readonly refusedFrom?: number;
}

const PAGE_BYTES = 4 * 1024 * 1024;
const PAGE_ROWS = 1000;
const LAST_EVENT = Number.MAX_SAFE_INTEGER;

/**
 * Brings an open store and its guard to one account: what is done with, where the next event goes, what is missing. Writes to a store
 * only that is new, or to remove refused events. Throws CorruptionError where going on would need a person.
 */
export async function recover(store: Store, guard: GuardState | undefined, options: RecoveryOptions): Promise<Recovery> {
  const remarks: string[] = [];
  // Without the description and the account nothing would be lost, but a scan that fails says that more is wrong.
  if (!options.thorough) await store.scan({ gte: indexKey(0), lt: indexKey(LAST_EVENT), limit: 1 });
  const identity = await identify(store, guard, remarks);
  const done = await latestDone(store, guard, remarks);
  if (options.refusedFrom !== undefined) await removeFrom(store, options.refusedFrom);
  const start = await recordHolding(store, done.head);
  let account = await byIndex(store, start, done, options.thorough);
  if (options.thorough || account.suspicious || account.gaps.length > 0) account = await byRecords(store, start, done, options.thorough);
  const gaps = [...account.gaps];
  let { tail } = account;
  if (guard && tail.event < guard.tail) {
    gaps.push({ from: tail.event, to: guard.tail, bytes: Math.max(0, guard.tailBytes - tail.byte), faults: account.faults ?? [] });
    tail = { event: guard.tail, byte: guard.tailBytes };
  }
  const missing = gaps.flatMap((gap) => takeOut(gap, done));
  for (const gap of missing) done.add(gap);
  return { store: identity, done, tail, seek: start, gaps: missing, remarks };
}

/** The parts of a gap that are not done with; the bytes of several parts are shared out by events. */
export function takeOut(gap: Gap, done: DoneEvents): Gap[] {
  const open = done.open(gap.from, gap.to);
  return open.map(({ from, to }) => ({ from, to, bytes: Math.round((gap.bytes * (to - from)) / (gap.to - gap.from)), faults: gap.faults }));
}

interface Account {
  readonly tail: Tail;
  readonly gaps: readonly Gap[];
  readonly suspicious: boolean;
  /** What was found behind the last good record. */
  readonly faults?: readonly Fault[];
}

async function identify(store: Store, guard: GuardState | undefined, remarks: string[]): Promise<string> {
  const text = await valueOf(store, META_KEY);
  if (text === undefined) {
    if (await anyRecord(store)) remarks.push('the description of the store is missing and was written anew');
    else if (guard && guard.tail > 0) remarks.push('the store is empty, and its guard says that it was not');
    const identity = guard?.store ?? randomBytes(8).toString('hex');
    await store.write([{ key: META_KEY, value: Buffer.from(JSON.stringify({ format: FORMAT_VERSION, store: identity })) }], true);
    return identity;
  }
  const meta = parseMeta(text);
  if (meta.format !== FORMAT_VERSION) {
    throw new CorruptionError(`the store is of format ${meta.format}; this version of Millrace reads and writes format ${FORMAT_VERSION}`);
  }
  if (guard && guard.store !== meta.store) {
    throw new CorruptionError(`the guard belongs to store ${guard.store}, and the store is ${meta.store}: one of them was swapped; put the right one back, or move the guard away to go on without it`);
  }
  return meta.store;
}

function parseMeta(text: Buffer): { format: number; store: string } {
  try {
    const { format, store } = JSON.parse(text.toString()) as { format?: unknown; store?: unknown };
    if (typeof format === 'number' && typeof store === 'string' && /^[0-9a-f]{16}$/.test(store)) return { format, store };
  } catch {
    // Said below.
  }
  throw new CorruptionError('the description of the store (key "m") is not as Millrace wrote it');
}

/** Both accounts only ever grow, so the one that is further on holds the other. */
async function latestDone(store: Store, guard: GuardState | undefined, remarks: string[]): Promise<DoneEvents> {
  let inStore: DoneState | undefined;
  try {
    const bytes = await valueOf(store, HEAD_KEY);
    inStore = bytes && decodeDone(bytes);
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    remarks.push(`in the store ${error.message}; that of the guard is used`);
  }
  const states = [inStore, guard?.done].filter((state) => state !== undefined);
  const accounts = states.map((state) => new DoneEvents(state.head, state.headBytes, state.ranges));
  accounts.sort((a, b) => b.head + b.aboveHead().events - a.head - a.aboveHead().events);
  return accounts[0] ?? new DoneEvents();
}

/** Begin of the record that holds the event; the event itself where none does. */
async function recordHolding(store: Store, event: number): Promise<number> {
  try {
    const [entry] = await store.scan({ gte: indexKey(0), lt: indexKey(event + 1), limit: 1, reverse: true });
    const row = entry && decodeRow(...entry);
    return row && row.first <= event && row.first + row.events > event ? row.first : event;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return event;
  }
}

/** By the rows of the index alone: quick whatever the backlog. */
async function byIndex(store: Store, start: number, done: DoneEvents, thorough: boolean): Promise<Account> {
  const gaps: Gap[] = [];
  let tail: Tail = { event: done.head, byte: done.headBytes };
  let seek = start;
  try {
    for (;;) {
      const entries = await store.scan({ gte: indexKey(seek), lt: indexKey(LAST_EVENT), limit: PAGE_ROWS });
      for (const [key, value] of entries) {
        const row = decodeRow(key, value);
        const fits = row && (row.first >= tail.event || row.first === start);
        if (!fits) return { tail, gaps, suspicious: true };
        if (row.first > tail.event) gaps.push(gapBefore(row, tail));
        tail = { event: row.first + row.events, byte: row.firstByte + row.bytes };
        seek = row.first + 1;
      }
      if (entries.length < PAGE_ROWS) break;
    }
    // A record without its row was written whole, and lost the row since.
    const [beyond] = await store.scan({ gte: dataKey(tail.event), lt: dataKey(LAST_EVENT), limit: 1 });
    const last = seek > start ? await store.get(dataKey(seek - 1)) : undefined;
    return { tail, gaps, suspicious: beyond !== undefined || (seek > start && last === undefined) };
  } catch (error) {
    if (!thorough || !isDamage(error)) throw error;
    return { tail, gaps, suspicious: true };
  }
}

function gapBefore(row: IndexRow, tail: Tail): Gap {
  return { from: tail.event, to: row.first, bytes: Math.max(0, row.firstByte - tail.byte), faults: [] };
}

/** By the records themselves, each verified; rows of the index only say where to look, and how far the last ones went. */
async function byRecords(store: Store, start: number, done: DoneEvents, tolerant: boolean): Promise<Account> {
  const gaps: Gap[] = [];
  const reader = new RecordReader(store, start, done.head, done.headBytes);
  reader.tolerant = tolerant;
  let tail: Tail = { event: done.head, byte: done.headBytes };
  let faults: readonly Fault[] = [];
  for (;;) {
    const page = await reader.read({ event: LAST_EVENT, byte: LAST_EVENT }, PAGE_BYTES);
    const end = page.gaps.find(({ to }) => to === LAST_EVENT);
    for (const gap of page.gaps) if (gap !== end) gaps.push(gap);
    faults = end?.faults ?? [];
    if (end) break;
    tail = reader.position;
  }
  const row = await lastRow(store, tail.event);
  if (row) {
    const byte = row.firstByte + row.bytes;
    gaps.push({ from: tail.event, to: row.first + row.events, bytes: Math.max(0, byte - tail.byte), faults });
    tail = { event: row.first + row.events, byte };
  }
  return { tail, gaps, suspicious: false, faults };
}

/** The last row of the index that is as it was written. */
async function lastRow(store: Store, from: number): Promise<IndexRow | undefined> {
  const entries = await tolerant(() => store.scan({ gte: indexKey(from), lt: indexKey(LAST_EVENT), limit: 100, reverse: true }));
  return entries.map((entry) => decodeRow(...entry)).find((row) => row !== undefined);
}

async function tolerant(scan: () => Promise<Entry[]>): Promise<Entry[]> {
  try {
    return await scan();
  } catch (error) {
    if (!isDamage(error)) throw error;
    return [];
  }
}

async function valueOf(store: Store, key: Buffer): Promise<Buffer | undefined> {
  try {
    return await store.get(key);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return undefined;
  }
}

async function anyRecord(store: Store): Promise<boolean> {
  return (await tolerant(() => store.scan({ gte: dataKey(0), lt: dataKey(LAST_EVENT), limit: 1 }))).length > 0;
}

async function removeFrom(store: Store, event: number): Promise<void> {
  const steps: Step[] = [];
  for (const keyOf of [dataKey, indexKey]) {
    for (const [key] of await store.scan({ gte: keyOf(event), lt: keyOf(LAST_EVENT), limit: PAGE_ROWS })) steps.push({ key });
  }
  if (steps.length > 0) await store.write(steps, true);
}

/** Removes the records below an event that were used up and not deleted, as their rows name them. */
export async function removeBelow(store: Store, event: number): Promise<void> {
  for (let from = 0; from < event; ) {
    const rows = await tolerant(() => store.scan({ gte: indexKey(from), lt: indexKey(event), limit: PAGE_ROWS }));
    const firsts = rows.map(([key]) => eventOfKey(key)).filter((first) => first !== undefined && first >= from && first < event) as number[];
    const last = firsts.at(-1);
    if (last === undefined) return;
    await store.write(firsts.flatMap((first) => [{ key: dataKey(first) }, { key: indexKey(first) }]), false);
    from = last + 1;
  }
}

/** The step that writes an account down. */
export function accountStep(done: DoneState): Step {
  return { key: HEAD_KEY, value: encodeDone(done, 10_000) };
}
