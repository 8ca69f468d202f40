import type * as Library from '@platformatic/kafka';
import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { ERRORS, retriable } from './error-codes.ts';
import { fetch, type FetchAnswer, type FetchOptions } from './fetch-request.ts';
import type { FetchedRecords } from './fetched-records.ts';
import { keyOf, logFrom, type PartitionLog, type Start } from './partition-log.ts';
import { ReadAhead } from './read-ahead.ts';
import { endOfBatches, type RecordBatchError } from './record-batches.ts';

export interface FetcherSettings extends Omit<FetchOptions, 'version'> {
  /** Headers of records will be asked for. */
  readonly withHeaders: boolean;
  /** Told of bytes that came into memory. */
  wereRead?(bytes: number): void;
}

/** Where to go on in a partition that does not have the offset that is wanted; rejects where that is for nobody to choose. */
export type ChooseStart = (topic: string, partition: number) => Promise<number>;

const RETRY_MS = 200;
const LONGEST_RETRY_MS = 2000;
/** What is damaged stays so, as a rule. */
const DAMAGED_RETRY_MS = 5000;

/** Reads partitions from their leaders, one answer ahead of what is asked for. */
export class Fetcher {
  readonly #library: typeof Library;
  readonly #client: Library.Base;
  readonly #settings: FetcherSettings;
  readonly #chooseStart: ChooseStart;
  readonly #log: Logger;
  readonly #ahead: ReadAhead;
  #version = 0;
  /** By `topic/partition`; first those that had to wait longest. */
  #logs = new Map<string, PartitionLog>();
  readonly #busy = new Set<number>();
  #metadata: Library.ClusterMetadata | undefined;
  #lookingUp = false;
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;
  #stopped = false;
  #stirred: () => void = () => undefined;

  constructor(library: typeof Library, client: Library.Base, settings: FetcherSettings, chooseStart: ChooseStart, log: Logger) {
    this.#library = library;
    this.#client = client;
    this.#settings = settings;
    this.#chooseStart = chooseStart;
    this.#log = log;
    this.#ahead = new ReadAhead(library, settings);
  }

  /** Reads these partitions from now on, and no others; what was read ahead is forgotten. */
  assign(starts: Iterable<Start>): void {
    this.#logs = new Map([...starts].map((start) => [keyOf(start), logFrom(start)]));
    this.#ahead.clear();
    this.#metadata = undefined;
    this.#pump();
  }

  /** The offset behind what was handed out of a partition. */
  handedOut(topic: string, partition: number): number | undefined {
    return this.#logs.get(keyOf({ topic, partition }))?.handedOut;
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** What lies ready, at most `most` records; `undefined` if nothing does. Throws why reading cannot go on. */
  next(most: number): FetchedRecords | undefined {
    this.throwIfFailed();
    const records = this.#ahead.next(most, (log, offset, error) => this.#setAside(log, offset, error));
    // Uncompressed, and copied.
    this.#settings.wereRead?.(2 * records.bytes.length);
    for (const position of records.positions().values()) {
      const log = this.#logs.get(keyOf(position));
      if (log) log.handedOut = Number(position.offset);
    }
    this.#pump();
    return records.size === 0 ? undefined : records;
  }

  /** Resolves when something was fetched or stirs, the time is up, or `signal` aborts; at once where something lies ready that is `wanted`. */
  wait(timeoutMs: number, signal: AbortSignal, wanted = true): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      signal.addEventListener('abort', done, { once: true });
      this.#stirred = done;
      if (signal.aborted || (wanted && !this.#ahead.isEmpty) || this.#failure !== undefined) done();
    });
  }

  /** From now on `next` throws this. */
  fail(error: unknown): void {
    this.#failure ??= error;
    this.#stirred();
  }

  /** Wakes who waits. */
  stir(): void {
    this.#stirred();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#stirred();
  }

  /** The partition is tried again later, behind what can be read of it; the others go on. */
  #setAside(log: PartitionLog, offset: number, error: RecordBatchError): void {
    const { topic, partition } = log;
    this.#log.error(
      `the record batch at offset ${offset} of partition ${partition} of ${topic} ${error.message}; the partition is tried again each ${DAMAGED_RETRY_MS / 1000} s and not read on before it can be, ` +
        'or until kafka-consumer-groups.sh --reset-offsets tells the group to begin behind it',
    );
    this.#logs.set(keyOf(log), logFrom({ topic, partition, offset }, performance.now() + DAMAGED_RETRY_MS));
  }

  /** Asks each leader that is not being asked for what it leads, while there is room for the answers. */
  #pump(): void {
    if (this.#stopped || this.#logs.size === 0) return;
    const metadata = this.#metadata;
    if (!metadata) return void this.#lookUp();
    if (this.#ahead.byteLength >= this.#settings.maxBytes) return;
    const now = performance.now();
    const byLeader = new Map<number, PartitionLog[]>();
    let nextMs = Infinity;
    for (const log of this.#logs.values()) {
      if (log.asked) continue;
      const leader = metadata.topics.get(log.topic)?.partitions[log.partition]?.leader ?? -1;
      if (log.retryAtMs > now) {
        nextMs = Math.min(nextMs, log.retryAtMs);
      } else if (!metadata.brokers.has(leader)) {
        this.#retry(log);
        nextMs = Math.min(nextMs, log.retryAtMs);
      } else if (!this.#busy.has(leader)) {
        const logs = byLeader.get(leader);
        if (logs) logs.push(log);
        else byLeader.set(leader, [log]);
      }
    }
    const share = Math.ceil(this.#settings.maxBytes / (byLeader.size + this.#busy.size));
    for (const [leader, logs] of byLeader) void this.#ask(leader, metadata, logs, share);
    clearTimeout(this.#timer);
    if (nextMs < Infinity) this.#timer = setTimeout(() => this.#pump(), Math.max(1, nextMs - now));
  }

  async #lookUp(): Promise<void> {
    if (this.#lookingUp) return;
    this.#lookingUp = true;
    try {
      const topics = [...new Set([...this.#logs.values()].map(({ topic }) => topic))];
      if (this.#version === 0) {
        const range = (await this.#client.listApis()).find(({ apiKey }) => apiKey === 1);
        this.#version = Math.max(4, Math.min(11, range?.maxVersion ?? 4));
      }
      this.#metadata = await this.#client.metadata({ topics, forceUpdate: true });
    } catch (error) {
      if (!this.#stopped) this.fail(error);
      return;
    } finally {
      this.#lookingUp = false;
    }
    this.#pump();
  }

  async #ask(leader: number, metadata: Library.ClusterMetadata, logs: readonly PartitionLog[], maxBytes: number): Promise<void> {
    this.#busy.add(leader);
    for (const log of logs) log.asked = true;
    let connection: Library.Connection | undefined;
    try {
      connection = await this.#client.connections.get(metadata.brokers.get(leader) as Library.Broker);
      const wanted = logs.map(({ topic, partition, fetchFrom }) => ({ topic, partition, offset: fetchFrom }));
      const answer = await fetch(this.#library, connection, { ...this.#settings, version: this.#version, maxBytes }, wanted, (length) => this.#ahead.memory(length));
      if (answer.code !== ERRORS.none) throw new Error(this.#nameOf(answer.code));
      this.#take(answer, new Map(logs.map((log) => [keyOf(log), log])));
    } catch (error) {
      if (this.#stopped) return;
      // After a request that was not answered in time the library no longer reads this connection.
      connection?.socket.destroy();
      this.#log.warn(`reading from the broker ${leader} failed, and is tried again: ${describeError(error)}`);
      for (const log of logs) this.#retry(log);
    } finally {
      this.#busy.delete(leader);
      for (const log of logs) log.asked = false;
    }
    this.#pump();
  }

  #take({ bytes, partitions }: FetchAnswer, asked: ReadonlyMap<string, PartitionLog>): void {
    const found = partitions.flatMap((part) => {
      const log = asked.get(keyOf(part));
      if (!log || this.#logs.get(keyOf(log)) !== log) return [];
      if (part.code === ERRORS.none) log.failures = 0;
      else this.#refused(log, part.code);
      return part.code === ERRORS.none && part.end > part.begin ? [{ log, part }] : [];
    });
    for (const { log, part } of found) {
      const behind = endOfBatches(bytes, part.begin, part.end);
      if (behind === undefined) log.retryAtMs = performance.now() + RETRY_MS;
      else log.fetchFrom = behind;
      // Next time those come first that got nothing now.
      this.#logs.delete(keyOf(log));
      this.#logs.set(keyOf(log), log);
    }
    this.#settings.wereRead?.(bytes.length);
    this.#ahead.add(bytes, found);
    if (found.length > 0) this.#stirred();
  }

  #refused(log: PartitionLog, code: number): void {
    const { topic, partition } = log;
    if (code === ERRORS.offsetOutOfRange) {
      if (log.fetchFrom === log.handedOut) return void this.#startAnew(log);
      log.fetchFrom = log.opened;
      log.retryAtMs = performance.now() + RETRY_MS;
    } else if (retriable(code)) {
      this.#log.warn(`the partition ${partition} of ${topic} cannot be read now, and is tried again: ${this.#nameOf(code)}`);
      this.#retry(log);
    } else {
      this.fail(Object.assign(new Error(`the partition ${partition} of ${topic} cannot be read: ${this.#nameOf(code)}`), { apiCode: code }));
    }
  }

  async #startAnew(log: PartitionLog): Promise<void> {
    const { topic, partition, handedOut } = log;
    log.retryAtMs = Infinity;
    try {
      const offset = await this.#chooseStart(topic, partition);
      this.#log.warn(`the partition ${partition} of ${topic} does not have the offset ${handedOut} any more, or not yet: it is read on at ${offset}`);
      if (this.#logs.get(keyOf(log)) === log) this.#logs.set(keyOf(log), logFrom({ topic, partition, offset }, performance.now() + RETRY_MS));
      this.#pump();
    } catch (error) {
      this.fail(error);
    }
  }

  #retry(log: PartitionLog): void {
    log.retryAtMs = performance.now() + Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** log.failures++);
    this.#metadata = undefined;
  }

  #nameOf(code: number): string {
    return this.#library.protocolErrorsCodesById[code] ?? `error ${code}`;
  }
}
