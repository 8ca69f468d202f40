import { setTimeout as sleep } from 'node:timers/promises';
import type * as Library from '@platformatic/kafka';
import { describeError, isAbort } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { kafkaLibrary, type ClientOptions } from './library.ts';
import { assignByRange } from './range-assignor.ts';
import { RepeatedOffsets } from './repeated-offsets.ts';

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
  readonly committedOnly: boolean;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  readonly maxWaitMs: number;
}

export type KafkaMessage = Library.Message;

type Open = { readonly consumer: Library.Consumer; readonly stream: Library.MessagesStream<Buffer, Buffer, Buffer, Buffer>; readonly seen: string; readonly repeated: RepeatedOffsets };

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
  #opening: Promise<Open> | undefined;

  constructor(settings: GroupReaderSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  /** One message or more, at most `max`, in the order of each partition; waits for the first. Joins the group, again where that is lost. */
  async read(max: number, signal: AbortSignal): Promise<KafkaMessage[]> {
    for (;;) {
      signal.throwIfAborted();
      try {
        const open = await this.#opened();
        const messages = await this.#from(open, max, signal);
        this.#failures = 0;
        if (messages.length > 0) return messages;
        await this.#look(open);
      } catch (error) {
        if (isAbort(error) || this.#stopped) throw error;
        await this.close();
        const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
        this.#log.warn(`reading from Kafka as a member of the group ${this.#settings.groupId} failed, and is tried again: ${describeError(error)}`);
        await sleep(pause, undefined, { signal });
      }
    }
  }

  /** Commits that everything before `offset` is done with. Partitions that another member has by now are left to it. */
  async commit(done: Iterable<{ readonly topic: string; readonly partition: number; readonly offset: bigint; readonly leaderEpoch: number }>): Promise<void> {
    const consumer = this.#open?.consumer;
    if (!consumer) throw new Error(`the group ${this.#settings.groupId} was left before the offsets were committed`);
    const ours = ownedBy(consumer);
    const offsets = [...done].filter(({ topic, partition }) => ours(topic, partition));
    if (offsets.length > 0) await consumer.commit({ offsets });
  }

  /** Leaves the group; `read` joins it again. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return;
    open.stream.on('error', () => undefined);
    await Promise.race([open.consumer.close(true).catch(() => undefined), sleep(LONGEST_PAUSE_MS, undefined, { ref: false })]);
  }

  /** For good. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#opening?.catch(() => undefined);
    await this.close();
  }

  /** What lies ready, or what comes first; nothing once there is reason to look at the topics anew. */
  async #from({ consumer, stream, repeated }: Open, max: number, signal: AbortSignal): Promise<KafkaMessage[]> {
    const messages: KafkaMessage[] = [];
    for (;;) {
      signal.throwIfAborted();
      while (messages.length < max) {
        const message = stream.read() as KafkaMessage | null;
        if (message === null) break;
        if (!repeated.isRepeated(message, consumer.currentMetadata?.topics.get(message.topic)?.id)) messages.push(message);
      }
      if (messages.length > 0) return messages;
      if (stream.errored) throw stream.errored;
      if (stream.destroyed || stream.readableEnded) throw new Error('the connection to the brokers was closed');
      const rest = this.#lookedAt + this.#settings.lookMs - Date.now();
      if (rest <= 0) return messages;
      await stirs(stream, rest, signal);
    }
  }

  async #opened(): Promise<Open> {
    if (this.#open) return this.#open;
    this.#opening ??= this.#join().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #join(): Promise<Open> {
    const { Consumer } = await kafkaLibrary();
    const settings = this.#settings;
    const consumer = new Consumer({
      ...settings.client,
      groupId: settings.groupId,
      ...(settings.groupInstanceId !== undefined && { groupInstanceId: settings.groupInstanceId }),
      sessionTimeout: settings.sessionTimeoutMs,
      rebalanceTimeout: settings.rebalanceTimeoutMs,
      heartbeatInterval: settings.heartbeatMs,
      protocols: [{ name: 'range', version: 1 }],
      partitionAssigner: assignByRange,
      isolationLevel: settings.committedOnly ? 1 : 0,
      autocommit: false,
      retries: 3,
      retryDelay: 300,
    });
    consumer.on('error', (error: Error) => this.#open?.stream.destroy(error));
    const repeated = new RepeatedOffsets();
    consumer.on('consumer:group:join', () => repeated.rebalanced(ownedBy(consumer)));
    try {
      const topics = await this.#topics();
      const seen = await this.#picture(consumer, topics);
      const stream = await consumer.consume({
        topics,
        mode: 'committed',
        fallbackMode: settings.offsetReset,
        autocommit: false,
        minBytes: settings.minBytes,
        maxBytes: settings.maxBytes,
        maxBytesPerPartition: settings.maxBytesPerPartition,
        maxWaitTime: settings.maxWaitMs,
      });
      stream.on('error', () => undefined);
      // Without a listener the library does not fetch.
      stream.on('readable', () => undefined);
      this.#lookedAt = Date.now();
      const open = { consumer, stream, seen, repeated };
      this.#open = open;
      if (this.#stopped) await this.close();
      return open;
    } catch (error) {
      await consumer.close(true).catch(() => undefined);
      throw error;
    }
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

  /** Topics and their numbers of partitions, to see that there are others by now. */
  async #picture(consumer: Library.Consumer, topics: string[]): Promise<string> {
    const metadata = await consumer.metadata({ topics: [...topics], forceUpdate: true });
    return topics.map((topic) => `${topic} ${metadata.topics.get(topic)?.partitionsCount}`).join(' ');
  }

  async #look({ consumer, seen }: Open): Promise<void> {
    if (Date.now() < this.#lookedAt + this.#settings.lookMs) return;
    this.#lookedAt = Date.now();
    if ((await this.#picture(consumer, await this.#topics())) !== seen) await this.close();
  }
}

/** Resolves when there may be something to read, the stream has ended, the time is up, or `signal` aborts. */
function stirs(stream: Library.MessagesStream<Buffer, Buffer, Buffer, Buffer>, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stream.off('readable', done);
      stream.off('close', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    stream.on('readable', done);
    stream.on('close', done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

function ownedBy({ assignments }: Library.Consumer): (topic: string, partition: number) => boolean {
  const ours = new Map(assignments?.map(({ topic, partitions }) => [topic, new Set(partitions)]));
  return (topic, partition) => ours.get(topic)?.has(partition) ?? false;
}
