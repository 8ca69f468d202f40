import { setTimeout as sleep } from 'node:timers/promises';
import type * as Library from '@platformatic/kafka';
import type { GroupPosition } from '../../core/component.ts';
import { isAbort } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { committedOffsets } from './committed-offsets.ts';
import { Coordinators } from './coordinators.ts';
import type { FetchedRecords, Position } from './fetched-records.ts';
import { Fetcher, type FetcherSettings } from './fetcher.ts';
import { kafkaLibrary, reasonOf, type ClientOptions } from './library.ts';
import type { Start } from './partition-log.ts';
import { assignByRange } from './range-assignor.ts';

export interface GroupReaderSettings {
  readonly client: ClientOptions;
  readonly groupId: string;
  /** Keeps its partitions over a restart shorter than the session's timeout. */
  readonly groupInstanceId: string | undefined;
  /** Names, or what tells the names to read; asked again every `lookMs`. */
  readonly topics: readonly string[] | ((name: string) => boolean);
  readonly lookMs: number;
  /** Where to begin in partitions without a committed offset; `fail`: the reader reports it and tries again. */
  readonly offsetReset: 'earliest' | 'latest' | 'fail';
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly fetch: FetcherSettings;
}

/** A membership. */
interface Open {
  readonly consumer: Library.Consumer;
  /** Has the connections that fetches wait on, so that they keep nothing else waiting. */
  readonly client: Library.Base;
  readonly fetcher: Fetcher;
  readonly seen: string;
  /** The group is being divided anew, or just was: what is ours is not known yet. */
  settling: boolean;
  /** Until the group has been divided anew, what is ours by its last division counts no more. */
  dividing: boolean;
  /** What was ours when the group was divided last. */
  last: { readonly memberId: string | null; readonly generationId: number; readonly owned: ReadonlySet<string> } | undefined;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;

/** A member of a consumer group: reads the partitions it is given, and commits what its owner has done with. */
export class GroupReader {
  readonly #settings: GroupReaderSettings;
  readonly #log: Logger;
  #open: Open | undefined;
  #failures = 0;
  #lookedAt = 0;
  #stopped = false;
  /** Aborts when the reader stops for good. */
  readonly #ending = new AbortController();
  #opening: Promise<Open> | undefined;
  readonly #toCommit = new Map<string, Position>();
  #committing: Promise<void> = Promise.resolve();
  #nextCommit: Promise<void> | undefined;

  constructor(settings: GroupReaderSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  /** Partitions that are ours by now. */
  get partitions(): number {
    return this.#open?.consumer.assignments?.reduce((sum, { partitions }) => sum + partitions.length, 0) ?? 0;
  }

  /** One record or more, at most `max`, in the order of each partition; waits for the first. */
  async read(max: number, signal: AbortSignal): Promise<FetchedRecords> {
    for (;;) {
      const records = await this.readFor(Infinity, max, signal);
      if (records) return records;
    }
  }

  /** The same; `undefined` where nothing came for `waitMs`. Joins the group, again where that is lost. */
  async readFor(waitMs: number, max: number, signal: AbortSignal): Promise<FetchedRecords | undefined> {
    const until = performance.now() + waitMs;
    for (;;) {
      signal.throwIfAborted();
      try {
        const open = await this.#opened();
        const records = open.settling ? undefined : open.fetcher.next(max);
        if (records) {
          this.#failures = 0;
          return records;
        }
        if (open.settling) open.fetcher.throwIfFailed();
        const now = performance.now();
        if (now >= until) return undefined;
        const lookAtMs = this.#lookedAt + this.#settings.lookMs;
        if (now >= lookAtMs) await this.#look(open);
        // While the group is being divided nothing is handed out, and to ask at once again would keep its answers from being read.
        else await open.fetcher.wait(Math.min(until, lookAtMs) - now, signal, !open.settling);
      } catch (error) {
        if (isAbort(error) || this.#stopped) throw error;
        await this.close();
        const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
        this.#log.warn(`reading from Kafka as a member of the group ${this.#settings.groupId} failed, and is tried again: ${reasonOf(error)}`);
        await sleep(pause, undefined, { signal });
      }
    }
  }

  /**
   * Commits that everything before the positions is done with; what is asked for while a commit is under way is committed together behind
   * it. Partitions that another member has by now are left to it.
   */
  commit(done: Iterable<Position>): Promise<void> {
    for (const position of done) this.#toCommit.set(placeOf(position), position);
    this.#nextCommit ??= this.#committing
      .catch(() => undefined)
      .then(() => {
        this.#nextCommit = undefined;
        return (this.#committing = this.#commit());
      });
    return this.#nextCommit;
  }

  /** Where the group stands once these records, which were read just now, are done with: for a transaction, in place of `commit`. */
  position(records: FetchedRecords): GroupPosition | undefined {
    const consumer = this.#open?.consumer;
    if (!consumer?.memberId) return undefined;
    const { groupId, groupInstanceId } = this.#settings;
    const group = { groupId, generation: consumer.generationId, memberId: consumer.memberId, instanceId: groupInstanceId ?? null };
    return { cluster: consumer.currentMetadata?.id ?? '', group, offsets: [...records.positions().values()] };
  }

  /** Reads on from where the group stands: what was read and not committed comes again. */
  async rewind(): Promise<void> {
    const open = this.#open;
    if (!open) return;
    this.#toCommit.clear();
    open.last = undefined;
    if (!open.dividing) await this.#divided(open);
  }

  /** Leaves the group; `read` joins it again. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#toCommit.clear();
    if (open) await leave(open.consumer, open.client, open.fetcher);
  }

  /** For good. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ending.abort();
    await this.#opening?.catch(() => undefined);
    await this.close();
  }

  async #commit(): Promise<void> {
    const consumer = this.#open?.consumer;
    if (!consumer) throw new Error(`the group ${this.#settings.groupId} was left before the offsets were committed`);
    const ours = ownedBy(consumer);
    const offsets = [...this.#toCommit.values()].filter((position) => ours.has(placeOf(position)));
    this.#toCommit.clear();
    if (offsets.length > 0) await consumer.commit({ offsets });
  }

  async #opened(): Promise<Open> {
    if (this.#open) return this.#open;
    this.#opening ??= this.#join().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #join(): Promise<Open> {
    const library = await kafkaLibrary();
    const settings = this.#settings;
    const consumer = new library.Consumer({
      ...settings.client,
      groupId: settings.groupId,
      ...(settings.groupInstanceId !== undefined && { groupInstanceId: settings.groupInstanceId }),
      sessionTimeout: settings.sessionTimeoutMs,
      rebalanceTimeout: settings.rebalanceTimeoutMs,
      heartbeatInterval: settings.heartbeatMs,
      protocols: [{ name: 'range', version: 1 }],
      partitionAssigner: assignByRange,
      isolationLevel: settings.fetch.committedOnly ? 1 : 0,
      autocommit: false,
      retries: 3,
      retryDelay: 300,
    });
    const client = new library.Base({ ...settings.client, requestTimeout: (settings.client.requestTimeout ?? 30_000) + settings.fetch.maxWaitMs, retries: 3, retryDelay: 300 });
    const fetcher = new Fetcher(library, client, settings.fetch, async (topic, partition) => (await this.#beginnings(consumer, topic, [partition]))[0]?.offset ?? 0, this.#log);
    consumer.on('error', (error: Error) => fetcher.fail(error));
    client.on('error', () => undefined);
    try {
      const topics = await this.#topics();
      const seen = await this.#picture(consumer, topics);
      const open: Open = { consumer, client, fetcher, seen, settling: true, dividing: true, last: undefined };
      consumer.on('consumer:group:rebalance', () => (open.settling = open.dividing = true));
      consumer.on('consumer:group:join', () => void this.#divided(open));
      consumer.topics.trackAll(...topics);
      await consumer.joinGroup({});
      this.#lookedAt = performance.now();
      this.#open = open;
      if (this.#stopped) await this.close();
      return open;
    } catch (error) {
      await leave(consumer, client, fetcher);
      throw error;
    }
  }

  /** The group was divided anew. What stays ours is read on where it was handed out to, what comes is read from the committed offset on. */
  async #divided(open: Open): Promise<void> {
    const { consumer, fetcher } = open;
    const { memberId, generationId } = consumer;
    const before = open.last;
    const owned = ownedBy(consumer);
    open.settling = true;
    open.dividing = false;
    const last = { memberId, generationId, owned };
    open.last = last;
    // Whoever missed a round does not know who had the partitions in between.
    const stayed = before !== undefined && before.memberId === memberId && before.generationId + 1 === generationId;
    const starts: Start[] = [];
    const coming: { topic: string; partitions: number[] }[] = [];
    for (const { topic, partitions } of consumer.assignments ?? []) {
      const missing: number[] = [];
      for (const partition of partitions) {
        const offset = stayed && before.owned.has(placeOf({ topic, partition })) ? fetcher.handedOut(topic, partition) : undefined;
        if (offset === undefined) missing.push(partition);
        else starts.push({ topic, partition, offset });
      }
      if (missing.length > 0) coming.push({ topic, partitions: missing });
    }
    try {
      const committed = coming.length > 0 ? await this.#committed(consumer, coming) : new Map<string, number>();
      for (const { topic, partitions } of coming) {
        const known = partitions.map((partition) => ({ topic, partition, offset: committed.get(placeOf({ topic, partition })) ?? -1 }));
        starts.push(...known.filter(({ offset }) => offset >= 0));
        starts.push(...(await this.#beginnings(consumer, topic, known.filter(({ offset }) => offset < 0).map(({ partition }) => partition))));
      }
      if (open.last !== last) return;
      open.settling = false;
      fetcher.assign(starts);
      fetcher.stir();
    } catch (error) {
      fetcher.fail(error);
    }
  }

  /** Where nothing but what is committed counts, transactions that have offsets of ours and are not finished are waited for. */
  async #committed(consumer: Library.Consumer, wanted: { topic: string; partitions: number[] }[]): Promise<Map<string, number>> {
    const { groupId, fetch, client } = this.#settings;
    if (fetch.committedOnly) {
      const coordinators = new Coordinators(await kafkaLibrary(), consumer, client.requestTimeout ?? 30_000);
      const found = await committedOffsets(await kafkaLibrary(), coordinators, groupId, wanted, this.#ending.signal);
      return new Map(found.map((place) => [placeOf(place), Number(place.offset)]));
    }
    const committed = await consumer.listCommittedOffsets({ topics: wanted });
    const all = wanted.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition, offset: Number(committed.get(topic)?.[partition] ?? -1n) })));
    return new Map(all.filter(({ offset }) => offset >= 0).map((place) => [placeOf(place), place.offset]));
  }

  /** Where somebody begins who has not committed anything, or whose offset is not there any more. */
  async #beginnings(consumer: Library.Consumer, topic: string, partitions: readonly number[]): Promise<Start[]> {
    if (partitions.length === 0) return [];
    const { offsetReset, groupId } = this.#settings;
    if (offsetReset === 'fail') throw new Error(`the group ${groupId} has no offset in the partition ${partitions.join(', ')} of ${topic} to begin at, and auto.offset.reset is none`);
    const found = await consumer.listOffsets({ topics: [topic], partitions: { [topic]: [...partitions] }, timestamp: offsetReset === 'earliest' ? -2n : -1n });
    return partitions.map((partition) => ({ topic, partition, offset: Number(found.get(topic)?.[partition] ?? 0n) }));
  }

  async #topics(): Promise<string[]> {
    const { topics, client } = this.#settings;
    if (typeof topics !== 'function') return [...topics];
    const { Admin } = await kafkaLibrary();
    const admin = new Admin({ ...client, retries: 1 });
    try {
      const names = (await admin.listTopics()).filter((name) => topics(name)).sort();
      if (names.length === 0) throw new Error('no topic has a name that kafka.topics.regex matches');
      return names;
    } finally {
      await admin.close().catch(() => undefined);
    }
  }

  /** Topics with their numbers of partitions, to see that there are others by now; a topic that was made anew is another. */
  async #picture(consumer: Library.Consumer, topics: string[]): Promise<string> {
    const metadata = await consumer.metadata({ topics: [...topics], forceUpdate: true });
    return topics.map((topic) => `${topic} ${metadata.topics.get(topic)?.partitionsCount} ${metadata.topics.get(topic)?.id}`).join('\n');
  }

  async #look({ consumer, seen }: Open): Promise<void> {
    this.#lookedAt = performance.now();
    if ((await this.#picture(consumer, await this.#topics())) !== seen) await this.close();
  }
}

async function leave(consumer: Library.Consumer, client: Library.Base, fetcher: Fetcher): Promise<void> {
  fetcher.stop();
  const closed = Promise.allSettled([consumer.close(true), client.close()]);
  await Promise.race([closed, sleep(LONGEST_PAUSE_MS, undefined, { ref: false })]);
}

function placeOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}

function ownedBy({ assignments }: Library.Consumer): ReadonlySet<string> {
  return new Set(assignments?.flatMap(({ topic, partitions }) => partitions.map((partition) => placeOf({ topic, partition }))));
}
