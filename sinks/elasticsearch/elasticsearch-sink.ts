import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '../../core/batch.ts';
import type { Context, Description, Origin, Sink } from '../../core/component.ts';
import { describeError, isAbort, RejectedError, type RejectionDetail } from '../../core/errors.ts';
import { Backoff } from '../../io/backoff.ts';
import { HttpClient, retryAfterMs, type HttpAnswer } from '../../io/http-client.ts';
import { Actions, isEventsFault, type ActionOptions } from './actions.ts';
import { judge, type Verdict } from './answer.ts';
import type { DocumentMaker } from './documents.ts';
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

export interface SinkParts {
  readonly settings: SinkSettings;
  readonly actions: ActionOptions;
  readonly document: DocumentMaker;
}

/** A document on its way: two lines, and the event it was made of. */
interface Item {
  readonly event: number;
  readonly lines: string;
  readonly bytes: number;
  readonly id: string | undefined;
}

/** What is known of the batch that is being written. */
interface Progress {
  readonly rejected: Map<number, RejectionDetail>;
  /** 1 for each event that the server has answered for good. */
  readonly settled: Uint8Array;
  settledCount: number;
  /** Those that the server could not read, each in a request of its own, and what it said of the last. */
  readonly unreadable: Item[];
  unreadableError?: Error;
}

/** So many requests of single documents fail before the fault is looked for elsewhere. */
const MOST_UNREADABLE = 16;

/** Writes batches with the `_bulk` interface of Elasticsearch 7 and later, and of OpenSearch. */
export class ElasticsearchSink implements Sink {
  readonly batchSize: number;
  readonly #context: Context;
  readonly #settings: SinkSettings;
  readonly #actions: Actions;
  readonly #document: DocumentMaker;
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

  constructor(context: Context, { settings, actions, document }: SinkParts) {
    this.batchSize = settings.batchSize;
    this.#context = context;
    this.#settings = settings;
    this.#actions = new Actions(actions);
    this.#operation = actions.operation;
    this.#document = document;
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
    const shared = batch.hasOwnHeaders || batch.size === 0 ? undefined : batch.headers(0);
    const nowMs = Date.now();
    const idOf = this.#actions.ids(batch, origin);
    let items: Item[] = [];
    let bytes = 0;
    for (let event = 0; event < batch.size; event++) {
      const item = this.#item({ batch, event, headers: shared ?? batch.headers(event), idOf, nowMs }, progress);
      if (!item) continue;
      if (items.length > 0 && bytes + item.bytes > this.#mostBytes) {
        await this.#deliver(items, progress, signal);
        items = [];
        bytes = 0;
      }
      items.push(item);
      bytes += item.bytes;
    }
    if (items.length > 0) await this.#deliver(items, progress, signal);
    this.#judgeUnreadable(progress);
    if (progress.rejected.size > 0) throw rejection(progress.rejected);
  }

  #item({ batch, event, headers, idOf, nowMs }: ItemSource, { rejected }: Progress): Item | undefined {
    try {
      const id = idOf(event);
      const line = this.#actions.line(batch, event, id, nowMs);
      const document = this.#document({ body: batch.body(event), headers }, nowMs);
      const lines = `${line}\n${document}\n`;
      return { event, lines, bytes: Buffer.byteLength(lines), id };
    } catch (error) {
      if (!isEventsFault(error)) throw error;
      rejected.set(event, { reason: `no document can be made of the event: ${error.message}` });
      return undefined;
    }
  }

  /** Resolves once each item is stored or rejected. */
  async #deliver(all: readonly Item[], progress: Progress, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(RETRY);
    const restUntilMs = performance.now() + REST_MS;
    for (let items = all; items.length > 0; ) {
      try {
        const later = await this.#request(items, progress, signal);
        if (later.length < items.length) backoff.succeeded();
        items = later;
        if (items.length === 0) return;
      } catch (error) {
        // Until something of the batch is stored the whole of it may go back, and to another sink of a group.
        if (isAbort(error) || progress.settledCount === 0 || performance.now() > restUntilMs) throw error;
        items = items.filter(({ event }) => progress.settled[event] === 0);
        this.#context.log.warn('the rest of a batch cannot be sent; it is tried again', { events: items.length, reason: describeError(error) });
      }
      await sleep(backoff.nextMs(), undefined, { signal });
    }
  }

  /** One request, or several where it was too large. Resolves with the items that may be taken later. */
  async #request(items: readonly Item[], progress: Progress, signal: AbortSignal): Promise<readonly Item[]> {
    const wait = this.#notBeforeMs - performance.now();
    if (wait > 0) await sleep(wait, undefined, { signal });
    const { answer, url } = await this.#hosts.ask((host) => this.#post(host, items, signal));
    const { status } = answer;
    if (status === 429 || status === 503) this.#waitAsAsked(answer);
    if (status === 413 || status === 400) return this.#halves(items, { answer, url }, progress, signal);
    if (status !== 200 && status !== 201) throw statusError(answer, url);
    const asked = { operation: this.#operation, ids: items.map(({ id }) => id), indexFromEvents: this.#actions.indexFromEvents };
    return this.#settle(items, judge(answer.body, asked), progress);
  }

  #settle(items: readonly Item[], verdicts: readonly Verdict[], progress: Progress): readonly Item[] {
    const later: Item[] = [];
    let already = 0;
    let reason = '';
    for (const [index, verdict] of verdicts.entries()) {
      const item = items[index] as Item;
      if (verdict.kind === 'later') {
        later.push(item);
        reason ||= verdict.reason;
        continue;
      }
      settle(item, progress);
      if (verdict.kind === 'never') progress.rejected.set(item.event, verdict);
      else if (verdict.already) already++;
    }
    if (later.length < items.length) this.#understood = true;
    if (already > 0) this.#context.count('DocumentAlreadyThereCount', already);
    if (later.length === 0) return later;
    this.#context.count('DocumentRetryCount', later.length);
    if (progress.settledCount === 0) throw new Error(`none of ${later.length} documents is taken: ${reason}`);
    this.#context.log.warn('some documents are not taken now; they are sent again', { documents: later.length, of: items.length, reason });
    return later;
  }

  /** A request that is too large, or that the server does not understand: what is to blame is found by halving. */
  async #halves(items: readonly Item[], { answer, url }: Answered, progress: Progress, signal: AbortSignal): Promise<readonly Item[]> {
    const [only] = items;
    if (only && items.length === 1) {
      const reply = answer.body.toString('utf8', 0, 2000);
      if (answer.status === 413) {
        settle(only, progress);
        progress.rejected.set(only.event, { reason: `the server takes no document of ${only.bytes} bytes (413)`, reply });
        return [];
      }
      progress.unreadable.push(only);
      progress.unreadableError = statusError(answer, url);
      if (progress.settledCount === 0 && progress.unreadable.length >= MOST_UNREADABLE) throw progress.unreadableError;
      return [];
    }
    const middle = Math.ceil(items.length / 2);
    if (answer.status === 413) this.#lowerLimit(items);
    const later: Item[] = [];
    for (const half of [items.slice(0, middle), items.slice(middle)]) later.push(...(await this.#request(half, progress, signal)));
    return later;
  }

  /**
   * Documents that the server could not read even by themselves are to blame where it could read others; where it reads nothing at all, the
   * fault is with the server or the configuration.
   */
  #judgeUnreadable({ unreadable, unreadableError, settledCount, rejected }: Progress): void {
    if (!unreadableError) return;
    if (settledCount === 0 && (unreadable.length > 1 || !this.#understood)) throw unreadableError;
    for (const { event } of unreadable) rejected.set(event, { reason: `the server cannot read it: ${unreadableError.message}` });
  }

  #lowerLimit(items: readonly Item[]): void {
    const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
    const largest = items.reduce((most, item) => Math.max(most, item.bytes), 0);
    // One event that is too large says nothing of the others.
    if (largest > bytes / 2) return;
    this.#mostBytes = Math.min(this.#mostBytes, Math.max(Math.ceil(bytes / 2), 64 * 1024));
    this.#context.log.info('the server takes no requests of this size; smaller ones are sent from now on', { bytes, next: this.#mostBytes });
  }

  async #post(host: URL, items: readonly Item[], signal: AbortSignal): Promise<HttpAnswer> {
    const { login, compression } = this.#settings;
    let body = Buffer.from(items.length === 1 ? (items[0] as Item).lines : items.map(({ lines }) => lines).join(''));
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

interface ItemSource {
  readonly batch: Batch;
  readonly event: number;
  readonly headers: ReadonlyMap<string, string>;
  idOf(event: number): string | undefined;
  readonly nowMs: number;
}

function settle({ event }: Item, progress: Progress): void {
  progress.settled[event] = 1;
  progress.settledCount++;
}

function rejection(rejected: ReadonlyMap<number, RejectionDetail>): RejectedError {
  const indices = [...rejected.keys()].sort((a, b) => a - b);
  const details = indices.map((index) => rejected.get(index) as RejectionDetail);
  return new RejectedError(indices, details[0]?.reason ?? '', { details });
}

function gzipped(body: Buffer): Promise<Buffer<ArrayBuffer>> {
  const { gzip } = process.getBuiltinModule('node:zlib');
  return new Promise((resolve, reject) => {
    gzip(body, { level: 1 }, (error, bytes) => (error ? reject(error) : resolve(bytes)));
  });
}
