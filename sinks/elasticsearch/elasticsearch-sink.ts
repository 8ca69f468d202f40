import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '../../core/batch.ts';
import type { Context, Description, Origin, Sink } from '../../core/component.ts';
import { describeError, isAbort, RejectedError, type RejectionDetail } from '../../core/errors.ts';
import { Backoff } from '../../io/backoff.ts';
import { HttpClient, retryAfterMs, type HttpAnswer } from '../../io/http-client.ts';
import { Actions, isEventsFault, type ActionOptions } from './actions.ts';
import { judge, type Verdict } from './answer.ts';
import { DocumentBuffer } from './document-buffer.ts';
import { textOf, type DecodingOptions, type DocumentMaker } from './documents.ts';
import { Hosts } from './hosts.ts';
import { authorization, statusError } from './requests.ts';
import type { SinkSettings } from './settings.ts';

/** Pauses before items are sent again that may be taken later. */
const RETRY = { firstMs: 200, mostMs: 10_000 };
/**
 * How long the rest of a batch is tried for when the server goes away in the middle of it: giving it back would send again what the server
 * has, which matters where documents have no ids of ours.
 */
const REST_MS = 60_000;
const LONGEST_WAIT_MS = 60_000;
const LONGEST_REPLY = 2000;

export interface SinkParts {
  readonly settings: SinkSettings;
  readonly actions: ActionOptions;
  readonly document: DocumentMaker;
  readonly decoding: DecodingOptions;
}

/** What is known of the batch that is being written. */
interface Progress {
  readonly rejected: Map<number, RejectionDetail>;
  /** 1 for each event that the server has answered for good. */
  readonly settled: Uint8Array;
  settledCount: number;
  /** Events that the server could not read, each in a request of its own, and what it said of the last. */
  readonly unreadable: number[];
  unreadableError?: Error;
}

/** So many requests of single documents fail before the fault is looked for elsewhere. */
const MOST_UNREADABLE = 16;

/** Writes batches with the `_bulk` interface of Elasticsearch 7 and later, and of OpenSearch. */
export class ElasticsearchSink implements Sink {
  readonly batchSize: number;
  readonly releasesBatches = true;
  readonly #context: Context;
  readonly #settings: SinkSettings;
  readonly #actions: Actions;
  readonly #document: DocumentMaker;
  readonly #decoding: DecodingOptions;
  readonly #operation: 'index' | 'create';
  readonly #client: HttpClient;
  readonly #hosts: Hosts;
  readonly #path: string;
  /** Most bytes of a request; less once a server has called one too large. */
  #mostBytes: number;
  /** When the server wants to be asked again, of `performance.now()`. */
  #notBeforeMs = 0;
  /** A request was accepted, in whole or in part: the server understands us. */
  #understood = false;
  /** Memory for documents, free for the next write. */
  #spare: DocumentBuffer | undefined;

  constructor(context: Context, { settings, actions, document, decoding }: SinkParts) {
    this.batchSize = settings.batchSize;
    this.#context = context;
    this.#settings = settings;
    this.#actions = new Actions(actions);
    this.#operation = actions.operation;
    this.#document = document;
    this.#decoding = decoding;
    this.#mostBytes = settings.mostRequestBytes;
    this.#client = new HttpClient({ ...settings.http, log: context.log });
    this.#hosts = new Hosts(settings.urls);
    const wanted = `error,items.*.status,items.*.error${actions.id === 'server' ? '' : ',items.*._id'}`;
    const pipeline = settings.pipeline === undefined ? '' : `&pipeline=${encodeURIComponent(settings.pipeline)}`;
    this.#path = `_bulk?filter_path=${wanted}&timeout=${Math.ceil(settings.http.answerTimeoutMs / 2)}ms${pipeline}`;
  }

  async start(): Promise<void> {
    this.#context.count('ConnectionCreatedCount', 1);
  }

  async stop(): Promise<void> {
    this.#client.close();
    this.#context.count('ConnectionClosedCount', 1);
  }

  describe(): Description {
    const { urls, index } = this.#settings;
    return { summary: `to ${urls.map(({ origin }) => origin).join(', ')}, index ${index}, up to ${this.batchSize} events a request` };
  }

  async write(batch: Batch, signal: AbortSignal, origin?: Origin): Promise<void> {
    const progress: Progress = { rejected: new Map(), settled: new Uint8Array(batch.size), settledCount: 0, unreadable: [] };
    // A write that was given up may still send from its own.
    const documents = this.#spare ?? new DocumentBuffer();
    this.#spare = undefined;
    const sending: Sending = { documents, progress, idOf: this.#actions.ids(batch, origin), signal };
    const shared = batch.hasOwnHeaders || batch.size === 0 ? undefined : batch.headers(0);
    const nowMs = Date.now();
    for (let event = 0; event < batch.size; event++) {
      const text = this.#linesOf({ batch, event, headers: shared ?? batch.headers(event), nowMs }, sending);
      if (text === undefined) continue;
      if (documents.add(event, text, this.#mostBytes)) continue;
      await this.#deliver(sending);
      documents.clear();
      documents.add(event, text, Infinity);
    }
    if (documents.count > 0) await this.#deliver(sending);
    documents.clear();
    this.#spare = documents;
    this.#judgeUnreadable(progress);
    if (progress.rejected.size > 0) throw rejection(progress.rejected);
  }

  /** The two lines of an event; `undefined` for one of which no document can be made. */
  #linesOf({ batch, event, headers, nowMs }: DocumentSource, { idOf, progress }: Sending): string | undefined {
    try {
      const line = this.#actions.line(batch, event, idOf(event), nowMs);
      return `${line}\n${this.#document(textOf(batch, event, this.#decoding), headers, nowMs)}\n`;
    } catch (error) {
      if (!isEventsFault(error)) throw error;
      progress.rejected.set(event, { reason: `no document can be made of the event: ${error.message}` });
      return undefined;
    }
  }

  /** Resolves once each document is stored or rejected. */
  async #deliver(sending: Sending): Promise<void> {
    const { documents, progress, signal } = sending;
    const backoff = new Backoff(RETRY);
    const restUntilMs = performance.now() + REST_MS;
    for (let places: readonly number[] = documents.places(); places.length > 0; ) {
      try {
        const later = await this.#request(places, sending);
        if (later.length < places.length) backoff.succeeded();
        places = later;
        if (places.length === 0) return;
      } catch (error) {
        // Until something of the batch is stored the whole of it may go back, and to another sink of a group.
        if (isAbort(error) || progress.settledCount === 0 || performance.now() > restUntilMs) throw error;
        places = places.filter((place) => progress.settled[documents.event(place)] === 0);
        this.#context.log.warn('the rest of a batch cannot be sent; it is tried again', { events: places.length, reason: describeError(error) });
      }
      await sleep(backoff.nextMs(), undefined, { signal });
    }
  }

  /** One request, or several where it was too large. Resolves with the places of documents that may be taken later. */
  async #request(places: readonly number[], sending: Sending): Promise<readonly number[]> {
    const { documents, idOf, signal } = sending;
    const wait = this.#notBeforeMs - performance.now();
    if (wait > 0) await sleep(wait, undefined, { signal });
    const body = documents.bytes(places);
    const { answer, url } = await this.#hosts.ask((host) => this.#post(host, body, signal));
    const { status } = answer;
    if (status === 429 || status === 503) this.#waitAsAsked(answer);
    if (status === 413 || status === 400) return this.#halves(places, { answer, url }, sending);
    if (status !== 200 && status !== 201) throw statusError(answer, url);
    const asked = {
      operation: this.#operation,
      count: places.length,
      idOf: (index: number) => idOf(documents.event(places[index] as number)),
      indexFromEvents: this.#actions.indexFromEvents,
    };
    return this.#settle(places, judge(answer.body, asked), sending);
  }

  #settle(places: readonly number[], verdicts: readonly Verdict[], { documents, progress }: Sending): readonly number[] {
    const later: number[] = [];
    let already = 0;
    let reason = '';
    for (const [index, verdict] of verdicts.entries()) {
      const place = places[index] as number;
      if (verdict.kind === 'later') {
        later.push(place);
        reason ||= verdict.reason;
        continue;
      }
      const event = documents.event(place);
      settle(event, progress);
      if (verdict.kind === 'never') progress.rejected.set(event, verdict);
      else if (verdict.already) already++;
    }
    if (later.length < places.length) this.#understood = true;
    if (already > 0) this.#context.count('DocumentAlreadyThereCount', already);
    if (later.length === 0) return later;
    this.#context.count('DocumentRetryCount', later.length);
    if (progress.settledCount === 0) throw new Error(`none of ${later.length} documents is taken: ${reason}`);
    this.#context.log.warn('some documents are not taken now; they are sent again', { documents: later.length, of: places.length, reason });
    return later;
  }

  /** A request that is too large, or that the server does not understand: what is to blame is found by halving. */
  async #halves(places: readonly number[], { answer, url }: Answered, sending: Sending): Promise<readonly number[]> {
    const { documents, progress } = sending;
    const tooLarge = answer.status === 413;
    if (places.length === 1) {
      const event = documents.event(places[0] as number);
      if (!tooLarge) return this.#cannotBeRead(event, statusError(answer, url), progress);
      settle(event, progress);
      const reason = `the server takes no document of ${documents.bytes(places).length} bytes (413)`;
      progress.rejected.set(event, { reason, reply: answer.body.toString('utf8', 0, LONGEST_REPLY) });
      return [];
    }
    if (tooLarge) this.#lowerLimit(documents.sizes(places));
    const middle = Math.ceil(places.length / 2);
    const first = await this.#request(places.slice(0, middle), sending);
    return [...first, ...(await this.#request(places.slice(middle), sending))];
  }

  #cannotBeRead(event: number, error: Error, progress: Progress): readonly number[] {
    progress.unreadable.push(event);
    progress.unreadableError = error;
    if (progress.settledCount === 0 && progress.unreadable.length >= MOST_UNREADABLE) throw error;
    return [];
  }

  /**
   * Documents that the server could not read even by themselves are to blame where it could read others; where it reads nothing at all, the
   * fault is with the server or the configuration.
   */
  #judgeUnreadable({ unreadable, unreadableError, settledCount, rejected }: Progress): void {
    if (!unreadableError) return;
    if (settledCount === 0 && (unreadable.length > 1 || !this.#understood)) throw unreadableError;
    for (const event of unreadable) rejected.set(event, { reason: `the server cannot read it: ${unreadableError.message}` });
  }

  #lowerLimit(sizes: readonly number[]): void {
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const largest = sizes.reduce((most, size) => Math.max(most, size), 0);
    // One event that is too large says nothing of the others.
    if (largest > bytes / 2) return;
    this.#mostBytes = Math.min(this.#mostBytes, Math.max(Math.ceil(bytes / 2), 64 * 1024));
    this.#context.log.info('the server takes no requests of this size; smaller ones are sent from now on', { bytes, next: this.#mostBytes });
  }

  async #post(host: URL, documents: Buffer, signal: AbortSignal): Promise<HttpAnswer> {
    const { login, compression } = this.#settings;
    let body = documents;
    const headers: Record<string, string> = { 'content-type': 'application/x-ndjson', accept: 'application/json', ...authorization(host, login) };
    if (compression === 'gzip') {
      body = await gzipped(body);
      headers['content-encoding'] = 'gzip';
    }
    const url = new URL(this.#path, host);
    url.username = url.password = '';
    return this.#client.request({ method: 'POST', url, headers, body }, signal);
  }

  #waitAsAsked(answer: HttpAnswer): void {
    const ms = Math.min(retryAfterMs(answer.headers['retry-after'], Date.now()), LONGEST_WAIT_MS);
    if (ms > 0) this.#notBeforeMs = performance.now() + ms;
  }
}

interface Answered {
  readonly answer: HttpAnswer;
  readonly url: URL;
}

interface DocumentSource {
  readonly batch: Batch;
  readonly event: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly nowMs: number;
}

/** One write under way. */
interface Sending {
  readonly documents: DocumentBuffer;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  idOf(event: number): string | undefined;
}

function settle(event: number, progress: Progress): void {
  progress.settled[event] = 1;
  progress.settledCount++;
}

function rejection(rejected: ReadonlyMap<number, RejectionDetail>): RejectedError {
  const indices = [...rejected.keys()].sort((a, b) => a - b);
  const details = indices.map((index) => rejected.get(index) as RejectionDetail);
  return new RejectedError(indices, details[0]?.reason ?? '', { details });
}

function gzipped(body: Buffer): Promise<Buffer> {
  const { gzip } = process.getBuiltinModule('node:zlib');
  return new Promise((resolve, reject) => {
    gzip(body, { level: 1 }, (error, bytes) => (error ? reject(error) : resolve(bytes)));
  });
}
