import { Batch } from '../core/batch.ts';
import type { Transaction } from '../core/component.ts';
import { ChannelFullError, TooLargeError } from '../core/errors.ts';

/** Flume's words: clients of the netcat source compare them. */
const FULL =
  "Space for commit to queue couldn't be acquired. Sinks are likely not keeping up with sources, or the buffer size is too tight";

/** A batch whose bytes are this many times larger than its bodies is copied, so that few events do not keep much memory alive. */
const WASTE_LIMIT = 4;
const SMALL_BYTES = 64 * 1024;
/** Node's timers take no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface QueueLimits {
  readonly events: number;
  /** Room for bodies, in slots of `slotBytes`; a body takes at least one. */
  readonly slots: number;
  readonly slotBytes: number;
}

interface Segment {
  readonly batch: Batch;
  /** Number of the first event since the queue began; decides where a roll-back puts it. */
  readonly first: number;
}

interface Putter {
  readonly batch: Batch;
  readonly slots: number;
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

interface Taker {
  readonly max: number;
  readonly give: (transaction: Transaction | undefined) => void;
}

const STORED = Promise.resolve();

/** Batches in memory, first in, first out, with room counted in events and in slots. Loans keep their room until they are committed. */
export class MemoryQueue {
  readonly #limits: QueueLimits;
  readonly #keepAliveMs: number;
  readonly #waitsForever: boolean;
  readonly #segments = new Deque<Segment>();
  readonly #putters: Putter[] = [];
  readonly #takers: Taker[] = [];
  readonly #lent = new Set<readonly Segment[]>();
  #events = 0;
  #slots = 0;
  #byteLength = 0;
  #nextEvent = 0;
  /** Another one for each queue that ever was. */
  readonly #name = `memory-${[Math.random(), Math.random()].map((number) => number.toString(36).slice(2)).join('')}`;

  /** A put waits `keepAliveMs` for room; without a limit where that is Infinity. */
  constructor(limits: QueueLimits, keepAliveMs: number) {
    this.#limits = limits;
    this.#keepAliveMs = Math.min(keepAliveMs, LONGEST_TIMER_MS);
    this.#waitsForever = keepAliveMs === Infinity;
  }

  get size(): number {
    return this.#events;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  put(batch: Batch, signal: AbortSignal): Promise<void> {
    if (batch.size === 0) return STORED;
    const slots = slotsOf(batch, this.#limits.slotBytes);
    if (this.#putters.length === 0 && this.#hasRoom(batch.size, slots)) {
      this.#store(batch, slots);
      return STORED;
    }
    if (slots > this.#limits.slots || batch.size > this.#limits.events) return Promise.reject(this.#tooLarge(batch));
    return this.#waitForRoom(batch, slots, signal);
  }

  take(max: number, signal: AbortSignal): Promise<Transaction | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    if (this.#takers.length === 0 && this.#segments.size > 0) return Promise.resolve(this.#lend(max));
    return new Promise((resolve) => {
      const taker: Taker = {
        max,
        give: (transaction) => {
          signal.removeEventListener('abort', abort);
          resolve(transaction);
        },
      };
      const abort = (): void => {
        remove(this.#takers, taker);
        resolve(undefined);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#takers.push(taker);
    });
  }

  /** The oldest events, those that are lent among them, at most `max` and so many that their bodies have about `mostBytes`. */
  peek(max: number, mostBytes: number): Batch {
    const all = [...[...this.#lent].flat(), ...this.#segments.values(max)].sort((a, b) => a.first - b.first);
    const found: Batch[] = [];
    let room = max;
    let bytes = mostBytes;
    for (const { batch } of all) {
      let size = 0;
      while (size < Math.min(room, batch.size) && bytes > 0) bytes -= batch.body(size++).length;
      if (size > 0) found.push(batch.slice(0, size));
      room -= size;
      if (room === 0 || bytes <= 0) break;
    }
    return Batch.concat(found);
  }

  #waitForRoom(batch: Batch, slots: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => this.#failFrom(putter, error);
      const abort = (): void => fail(abortReason(signal));
      if (signal.aborted) return reject(abortReason(signal));
      const timer = this.#waitsForever ? undefined : setTimeout(() => fail(new ChannelFullError(FULL)), this.#keepAliveMs);
      const ended = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
      };
      const putter: Putter = {
        batch,
        slots,
        done: () => {
          ended();
          resolve();
        },
        failed: (error) => {
          ended();
          reject(error);
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#putters.push(putter);
    });
  }

  /** Batches are stored in the order of the calls, so whoever waits behind a failure fails too. */
  #failFrom(putter: Putter, error: Error): void {
    const at = this.#putters.indexOf(putter);
    if (at < 0) return;
    for (const failed of this.#putters.splice(at)) failed.failed(error);
  }

  #tooLarge(batch: Batch): TooLargeError {
    const { slots, slotBytes, events } = this.#limits;
    const room = `${events} events and ${slots * slotBytes} bytes`;
    return new TooLargeError(`${batch.size} events of ${batch.byteLength} bytes do not fit into a channel of ${room}`);
  }

  #hasRoom(events: number, slots: number): boolean {
    return this.#events + events <= this.#limits.events && this.#slots + slots <= this.#limits.slots;
  }

  #store(batch: Batch, slots: number): void {
    const bytes = batch.byteLength;
    const wasteful = batch.bytes.length > SMALL_BYTES / WASTE_LIMIT && batch.bytes.length > WASTE_LIMIT * bytes;
    this.#segments.push({ batch: wasteful ? Batch.concat([batch]) : batch, first: this.#nextEvent });
    this.#nextEvent += batch.size;
    this.#events += batch.size;
    this.#slots += slots;
    this.#byteLength += bytes;
    this.#serveTakers();
  }

  #serveTakers(): void {
    while (this.#segments.size > 0) {
      const taker = this.#takers.shift();
      if (!taker) return;
      taker.give(this.#lend(taker.max));
    }
  }

  #servePutters(): void {
    for (let putter = this.#putters[0]; putter && this.#hasRoom(putter.batch.size, putter.slots); putter = this.#putters[0]) {
      this.#putters.shift();
      this.#store(putter.batch, putter.slots);
      putter.done();
    }
  }

  #lend(max: number): Transaction {
    const lent = this.#remove(max);
    const { batch } = lent.length === 1 ? (lent[0] as Segment) : { batch: Batch.concat(lent.map((segment) => segment.batch)) };
    this.#lent.add(lent);
    const end = (): void => {
      if (!this.#lent.delete(lent)) throw new Error('this loan of events has ended: commit or roll back once');
    };
    const spans = lent.map(({ first, batch: { size } }) => [first, first + size] as const);
    return {
      batch,
      origin: { store: this.#name, spans, settled: this.#settled, fleeting: true },
      commit: () => {
        end();
        this.#release(batch);
        return STORED;
      },
      rollback: () => {
        end();
        this.#giveBack(lent);
        return STORED;
      },
    };
  }

  /** All events below are done with. */
  get #settled(): number {
    let lowest = this.#segments.first?.first ?? this.#nextEvent;
    for (const [oldest] of this.#lent) if (oldest && oldest.first < lowest) lowest = oldest.first;
    return lowest;
  }

  /** At least half of `max` in one piece is lent as it is; smaller pieces are gathered, which copies them. */
  #remove(max: number): Segment[] {
    const taken: Segment[] = [];
    let missing = max;
    while (missing > 0) {
      const head = this.#segments.first;
      if (!head || (taken.length > 0 && head.batch.size > missing)) break;
      this.#segments.shift();
      if (head.batch.size > missing) {
        const rest = { batch: head.batch.slice(missing, head.batch.size), first: head.first + missing };
        this.#segments.unshift(rest);
        taken.push({ batch: head.batch.slice(0, missing), first: head.first });
        break;
      }
      taken.push(head);
      missing -= head.batch.size;
      if (taken.length === 1 && missing <= max / 2) break;
    }
    return taken;
  }

  #release(batch: Batch): void {
    this.#events -= batch.size;
    this.#slots -= slotsOf(batch, this.#limits.slotBytes);
    this.#byteLength -= batch.byteLength;
    this.#servePutters();
  }

  #giveBack(lent: readonly Segment[]): void {
    for (let index = lent.length - 1; index >= 0; index--) this.#segments.insert(lent[index] as Segment, (segment) => segment.first);
    this.#serveTakers();
  }
}

function slotsOf(batch: Batch, slotBytes: number): number {
  const { bounds, size } = batch;
  let slots = 0;
  for (let index = 0; index < 2 * size; index += 2) {
    const length = (bounds[index + 1] as number) - (bounds[index] as number);
    slots += length <= slotBytes ? 1 : Math.ceil(length / slotBytes);
  }
  return slots;
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('stopped', { cause: signal.reason });
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

/** A queue with cheap ends. The front is a stack in reverse, so that giving back costs nothing. */
class Deque<T> {
  #front: T[] = [];
  #back: T[] = [];

  get size(): number {
    return this.#front.length + this.#back.length;
  }

  get first(): T | undefined {
    this.#turn();
    return this.#front.at(-1);
  }

  /** From the front on, at most `most`. */
  *values(most: number): Iterable<T> {
    let left = most;
    for (let at = this.#front.length - 1; at >= 0 && left-- > 0; at--) yield this.#front[at] as T;
    for (let at = 0; at < this.#back.length && left-- > 0; at++) yield this.#back[at] as T;
  }

  push(item: T): void {
    this.#back.push(item);
  }

  shift(): T | undefined {
    this.#turn();
    return this.#front.pop();
  }

  unshift(item: T): void {
    this.#front.push(item);
  }

  /** Puts `item` where `order` ascends from the front; cheap where it belongs near the front. */
  insert(item: T, order: (item: T) => number): void {
    this.#turn();
    let at = this.#front.length;
    while (at > 0 && order(this.#front[at - 1] as T) < order(item)) at--;
    this.#front.splice(at, 0, item);
  }

  #turn(): void {
    if (this.#front.length > 0) return;
    this.#front = this.#back.reverse();
    this.#back = [];
  }
}
