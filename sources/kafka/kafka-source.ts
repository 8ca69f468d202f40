import type { Description, Source, SourceContext } from '../../core/component.ts';
import { describeError, isAbort } from '../../core/errors.ts';
import type { FetchedRecords, Position, RecordFacts } from '../../protocols/kafka/fetched-records.ts';
import { GroupReader, type GroupReaderSettings } from '../../protocols/kafka/group-reader.ts';
import { reasonOf } from '../../protocols/kafka/library.ts';
import { eventsOf, type EventForm } from '../../protocols/kafka/message-events.ts';

export interface KafkaSourceSettings {
  readonly batchSize: number;
  /** How long a poll waits for records. */
  readonly batchMs: number;
  readonly avro: boolean;
  /** Header for the name of the topic. */
  readonly topicHeader: string | undefined;
  /** Header of the event to the name of the record's header that it is copied from. */
  readonly headers: ReadonlyMap<string, string>;
  readonly summary: string;
  readonly reader: GroupReaderSettings;
}

/** Most batches that are in the channels while their offsets are not committed yet; nor are they ever more than there are partitions. */
const MOST_UNCOMMITTED = 16;

/** Puts records into the channels and commits their offsets once they are stored there, never before. */
export class KafkaSource implements Source {
  readonly #context: SourceContext;
  readonly #settings: KafkaSourceSettings;
  readonly #reader: GroupReader;
  readonly #form: EventForm;
  /** Where to commit for batches that are in the channels, and how many batches these are. */
  readonly #done = new Map<string, Position>();
  #doneBatches = 0;
  /** The channel commits the place of the group together with the events. */
  #channelCommits = false;
  /** Commits under way, with the number of batches of each. */
  readonly #commits = new Map<Promise<void>, number>();

  constructor(context: SourceContext, settings: KafkaSourceSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#reader = new GroupReader(settings.reader, context.log);
    this.#form = {
      avro: settings.avro,
      decorate: (headers, record) => decorate(settings, headers, record),
      undecodable: ({ topic, partition, offset }, error) => {
        context.count('EventReadFail', 1);
        context.log.warn(`the record at offset ${offset} of partition ${partition} of ${topic} is passed over: its value is no event in Flume's Avro format: ${describeError(error)}`);
      },
    };
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#commitDone();
    await Promise.all(this.#commits.keys());
    await this.#reader.stop();
  }

  describe(): Description {
    return { summary: this.#settings.summary };
  }

  async poll(signal: AbortSignal): Promise<'more' | 'idle'> {
    const began = performance.now();
    const most = Math.min(this.#settings.batchSize, this.#context.batchLimit);
    let records = await this.#reader.readFor(0, most, signal);
    if (!records) {
      this.#commitDone();
      records = await this.#reader.readFor(this.#settings.batchMs, most, signal);
    }
    this.#context.count('KafkaEventGetTimer', Math.round(performance.now() - began));
    if (!records) this.#context.count('KafkaEmptyCount', 1);
    else await this.#put(records);
    return 'more';
  }

  async #put(records: FetchedRecords): Promise<void> {
    const batch = eventsOf(records, this.#form);
    this.#context.count('EventReceivedCount', batch.size);
    const group = this.#reader.position(records);
    let committed = false;
    try {
      if (batch.size > 0) await this.#context.deliver(batch, { wait: true, ...(group && { group }), committed: () => (committed = true) });
    } catch (error) {
      // The records are read again from where the offsets stand.
      if (!isAbort(error)) this.#context.count('ChannelWriteFail', 1);
      this.#commitDone();
      await Promise.all(this.#commits.keys());
      if (this.#channelCommits) await this.#reader.rewind();
      else await this.#reader.close();
      throw error;
    }
    this.#context.count('EventAcceptedCount', batch.size);
    this.#channelCommits ||= committed;
    if (committed) return;
    for (const [place, position] of records.positions()) this.#done.set(place, position);
    this.#doneBatches++;
    // A commit of ours that comes behind a later one of the channel would set the group back.
    const most = this.#channelCommits ? 1 : Math.min(MOST_UNCOMMITTED, Math.max(1, this.#reader.partitions));
    if (2 * this.#doneBatches >= most) this.#commitDone();
    // The batch that is read next comes on top.
    while (this.#uncommitted >= most) await Promise.race(this.#commits.keys());
  }

  get #uncommitted(): number {
    return [...this.#commits.values()].reduce((sum, batches) => sum + batches, this.#doneBatches);
  }

  /** A commit costs the brokers about the same whatever it says, so that several batches share one while there is more to read. */
  #commitDone(): void {
    if (this.#doneBatches === 0) return;
    const commit = this.#commit([...this.#done.values()], this.#doneBatches).finally(() => this.#commits.delete(commit));
    this.#commits.set(commit, this.#doneBatches);
    this.#done.clear();
    this.#doneBatches = 0;
  }

  async #commit(positions: readonly Position[], batches: number): Promise<void> {
    const began = performance.now();
    try {
      await this.#reader.commit(positions);
      this.#context.count('KafkaCommitTimer', Math.round(performance.now() - began));
    } catch (error) {
      this.#context.log.warn(`committing offsets failed, so that up to ${batches} batches may be read again: ${reasonOf(error)}`);
    }
  }
}

/** Flume's headers, in Flume's order; which of them give way to those that the event brought with it is Flume's choice, too. */
function decorate({ headers: mapped, topicHeader }: KafkaSourceSettings, headers: Map<string, string>, record: RecordFacts): void {
  const setIfAbsent = (name: string, value: string): void => void (headers.has(name) || headers.set(name, value));
  setIfAbsent('timestamp', String(record.timeMs));
  for (const [name, from] of mapped) {
    const value = record.header(from);
    if (value) headers.set(name, value.toString());
  }
  if (topicHeader !== undefined) setIfAbsent(topicHeader, record.topic);
  setIfAbsent('partition', String(record.partition));
  setIfAbsent('offset', String(record.offset));
  if (record.key) headers.set('key', record.key.toString());
}
