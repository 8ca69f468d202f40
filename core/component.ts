import type { Batch } from './batch.ts';
import type { Logger } from './log.ts';

/** Created, started once, stopped once. A failed `start` leaves nothing open. `stop` is safe without `start`. */
export interface Lifecycle {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What the agent says of the component once it runs. May be asked at any time after `start`. */
  describe?(): Description;
}

/** A listening address. */
export interface Endpoint {
  readonly protocol: 'tcp' | 'udp' | 'http';
  /** As it was bound, for example `127.0.0.1:44444` or `[::]:514`. */
  readonly address: string;
  readonly tls: boolean;
  readonly authentication: boolean;
}

export interface Description {
  /** Behind the component's name and type in the start-up picture, for example `capacity 10,000 events, kept in memory`. */
  readonly summary?: string;
  readonly endpoints?: readonly Endpoint[];
  /** Files and directories in which the component keeps or writes data. */
  readonly paths?: readonly string[];
  /** Channels: what a power cut, or kill -9, would lose. */
  readonly lostOnPowerCut?: string;
  /** One command that shows the component at work, for example `nc 127.0.0.1 44444`. */
  readonly tryIt?: string;
}

/** Figures of a channel at this moment. */
export interface ChannelStatus {
  /** Events stored and not yet committed by a sink, loans included. */
  readonly size: number;
  /** Most events; 0 where there is no limit in events. */
  readonly capacity: number;
  /** Body bytes stored. */
  readonly byteLength: number;
}

export interface Channel extends Lifecycle {
  /** Most events in one `put` or `take`. */
  readonly transactionCapacity: number;
  /** Whether what is stored is there again after a restart; what is not is drained before the agent stops. */
  readonly durable: boolean;
  /** `put` commits the position of the group that the events were read by, if it is given, together with them. */
  readonly commitsGroups?: boolean;
  /**
   * Stores the whole batch or none of it. Resolves when it is as safe as this channel makes it; waits for room, throws ChannelFullError
   * when its keep-alive has passed, and TooLargeError for what would not fit if it were empty. Calls may overlap: batches are stored in the order of the calls, and once one fails,
   * those called after it that still wait fail as well.
   */
  put(batch: Batch, signal: AbortSignal, group?: GroupPosition): Promise<void>;
  /** Waits for at least one event, lends at most `max`. `undefined` once `signal` aborts. */
  take(max: number, signal: AbortSignal): Promise<Transaction | undefined>;
  status(): ChannelStatus;
  /** The oldest events that are not done with, lent ones included, at most `max` and about 1 MB of them; takes nothing. For people. */
  peek?(max: number): Promise<Batch>;
  /** What else there is to tell of the channel, in values that JSON knows: files, their sizes, the oldest event. For people. */
  stat?(): Promise<Readonly<Record<string, unknown>>>;
}

/**
 * Where the events of a loan stand in a channel: an event has the same number in the same store each time it is
 * lent, and no other event ever has it. `spans` are in the order of the batch and make up all of it.
 */
export interface Origin {
  readonly store: string;
  readonly spans: readonly (readonly [first: number, end: number])[];
  /** Every event below this number is done with and will never be lent again. */
  readonly settled?: number;
  /** The numbers end with the process, as the events do. */
  readonly fleeting?: true;
}

/**
 * How far a group of Kafka has read once certain events are done with. Whoever writes these to the same brokers in a transaction commits it
 * in there: then either both count, or none.
 */
export interface GroupPosition {
  /** Identity of the brokers' cluster. */
  readonly cluster: string;
  readonly group: { readonly groupId: string; readonly generation: number; readonly memberId: string; readonly instanceId: string | null };
  /** The offset behind the last event of each partition. */
  readonly offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: bigint; readonly leaderEpoch: number }[];
}

/** Events lent by a channel. Exactly one of `commit` and `rollback` ends the loan. */
export interface Transaction {
  readonly batch: Batch;
  /** Absent where nobody can tell. */
  readonly origin?: Origin;
  /** Of a channel that is a topic of Kafka. */
  readonly group?: GroupPosition;
  /** `released`: nobody looks at the batch any more, so that its memory may be used again. */
  commit(released?: boolean): Promise<void>;
  /** Gives the events back, in order, ahead of those never taken. */
  rollback(): Promise<void>;
}

export interface Source extends Lifecycle {
  /** Only for sources the agent must drive; not called again before it settles. `idle`: nothing to do now, ask again after a pause. */
  poll?(signal: AbortSignal): Promise<'more' | 'idle'>;
}

export interface Sink extends Lifecycle {
  readonly batchSize: number;
  /**
   * For a sink to which a write costs about the same whatever its size: while one is under way the next gathers, and may have more events
   * than `batchSize`, up to about so many bytes of bodies.
   */
  readonly gathersBytes?: number | undefined;
  /**
   * Writes that may be under way at a time; 1 where it is left out. Where one of several fails, those that began after it fail as well, so that
   * the events keep their order. It may change from write to write.
   */
  readonly mostWrites?: number;
  /** `origin` may be fleeting: its numbers are for a receiver that is asked again, not for what outlives this process. */
  readonly takesFleetingNumbers?: true;
  /** Nothing looks at a batch any more once its write has resolved. */
  readonly releasesBatches?: true;
  /**
   * Resolves when the destination has accepted every event; the runner then commits. Throws RejectedError where single events can
   * never be accepted and all others were; any other error means that the batch will be offered again. `origin` tells a sink that keeps
   * what it took, and was killed before the channel heard of it, which events it has already; `group` is for a sink that keeps it for the
   * channel.
   */
  write(batch: Batch, signal: AbortSignal, origin?: Origin, group?: GroupPosition): Promise<void>;
}

export interface Interceptor {
  /** Returns the events to keep, in order, with the headers they shall have. Never waits. */
  intercept(batch: Batch): Batch;
}

/** A part of a batch and the channel, by name, that it goes to. A failing optional channel does not fail the delivery. */
export interface Route {
  readonly channel: string;
  readonly batch: Batch;
  readonly optional: boolean;
}

export interface Selector {
  /** Splits a batch among channels. Replicating hands the same batch to each, copying nothing. */
  route(batch: Batch): readonly Route[];
}

/**
 * Drives the sinks of a group as one sink: decides which member a batch is offered to. Members are started and stopped by the agent.
 */
export interface SinkProcessor {
  /**
   * Resolves when one member has accepted the batch. `offer` writes to a member, and takes the events from and commits them to that
   * member's own channel; it resolves `false` if that channel had nothing to offer, and throws what the member threw.
   */
  process(offer: (member: string) => Promise<boolean>, signal: AbortSignal): Promise<boolean>;
}

/** Turns batches into the bytes of one file. */
export interface Serializer {
  /** Whether a file that was closed can be continued. */
  readonly canAppend: boolean;
  /** Bytes in front of the first event. */
  begin(): Buffer;
  /**
   * Bytes of a batch; they hold until the next call. An event that cannot be written is handed to `reject` with the reason and left
   * out.
   */
  encode(batch: Batch, reject: (index: number, reason: string) => void): Buffer | Promise<Buffer>;
  /** The bytes of the last `encode` did not get into the file: it goes on as if that call had never been. */
  undo?(): void;
  /** Bytes behind the last event. */
  end(): Buffer;
}

/** A place in a file where reading may go on: `done` events behind `offset` were read already. */
export interface FilePosition {
  readonly offset: number;
  readonly done: number;
}

/** A file as it was when it was opened: what is appended later is not read. */
export interface InputFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** `length` bytes from `offset` on, in memory of their own; fewer only at the end. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** Events of a file, and where to go on once they are stored. */
export interface EventsRead {
  readonly batch: Batch;
  readonly next: FilePosition;
}

export interface EventReader {
  /** The next events, one to `max`; `undefined` at the end of the file. Throws for bytes that no events can be made of. */
  read(max: number): EventsRead | undefined | Promise<EventsRead | undefined>;
}

/** Turns the bytes of files into events. */
export interface Deserializer {
  /** Begins at the head of a file, or at a place that another reader of it has told. */
  open(file: InputFile, from: FilePosition): EventReader | Promise<EventReader>;
}

/** Answers `${filter[key]}` in configuration values. */
export interface ConfigFilter {
  /** `undefined` leaves the expression as it stands. */
  lookUp(key: string): Promise<string | undefined>;
}

export interface Context {
  /** As configured, for example `a1.sinks.k1`. */
  readonly name: string;
  readonly log: Logger;
  /** Adds to a counter of this component: one of Flume's attribute names (`EventReceivedCount`), or one of ours. Once per batch. */
  count(counter: string, amount: number): void;
  /** Reports that the running component can no longer work. The agent stops it and creates it anew after a pause. */
  fail(error: Error): void;
}

export interface DeliverOptions {
  /**
   * Wait for as long as a required channel has no room or fails, putting again only where it failed; otherwise the first failure of a
   * required channel is thrown once all have answered.
   */
  readonly wait?: boolean;
  /**
   * The position of the group that the events were read by. Where all of them go to one channel that commits it, a put that fails is not
   * repeated, whatever `wait` says: its outcome may not be known, and the events are to be read again from where the group stands.
   */
  readonly group?: GroupPosition;
  /** Told that the channel has committed `group`. */
  committed?(): void;
  /** Longest pause between two puts that wait, in milliseconds. */
  readonly longestPauseMs?: number;
  /** Told of each put that failed and will be repeated. */
  refused?(error: unknown): void;
}

export interface SourceContext extends Context {
  /** Most events of one put that no channel of this source refuses; larger batches are put in pieces. */
  readonly batchLimit: number;
  /** Resolves when every required channel has stored the batch. Acknowledge upstream only then. */
  deliver(batch: Batch, options?: DeliverOptions): Promise<void>;
}

export interface SelectorContext extends Context {
  /** Names of the source's channels, in the order of the configuration. */
  readonly channels: readonly string[];
}

export interface SinkProcessorContext extends Context {
  /** Names of the group's members, in the order of the configuration. */
  readonly members: readonly string[];
}

/** For what lives inside another component and reports through it. */
export interface PartContext {
  readonly name: string;
  readonly log: Logger;
  count(counter: string, amount: number): void;
  /** Reads a small text from a URL, `file:`, `http:` or `https:`. Absent where whoever holds the part has no use for it. */
  readText?(url: string): Promise<string>;
}

/** A request to the `http` source. */
export interface HttpRequest {
  readonly body: Buffer;
  /** As the client wrote it. */
  readonly contentType: string | undefined;
  /** Of the query; the first value of each. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** Makes the events of a request, which are stored together or not at all. Throws BadRequestError where the client is at fault. */
export interface HttpHandler {
  handle(request: HttpRequest): Batch | Promise<Batch>;
}

export type DecodeErrorPolicy = 'FAIL' | 'REPLACE' | 'IGNORE';

export interface DeserializerContext extends PartContext {
  /** Character set of the files, for those who read text. */
  readonly charset: string;
  /** What to do about bytes that are none of it. */
  readonly decodeErrorPolicy: DecodeErrorPolicy;
  /** Stronger than the deserializer's own `maxLineLength`. */
  readonly maxLineLength?: number;
}

/** What each kind of definition is created with, and what it creates. */
export interface Kinds {
  readonly source: { readonly context: SourceContext; readonly product: Source };
  readonly channel: { readonly context: Context; readonly product: Channel };
  readonly sink: { readonly context: Context; readonly product: Sink };
  readonly interceptor: { readonly context: PartContext; readonly product: Interceptor };
  readonly selector: { readonly context: SelectorContext; readonly product: Selector };
  readonly 'sink processor': { readonly context: SinkProcessorContext; readonly product: SinkProcessor };
  readonly serializer: { readonly context: PartContext; readonly product: Serializer };
  readonly deserializer: { readonly context: DeserializerContext; readonly product: Deserializer };
  readonly 'http handler': { readonly context: PartContext; readonly product: HttpHandler };
  readonly 'config filter': { readonly context: PartContext; readonly product: ConfigFilter };
}

export type Kind = keyof Kinds;
