import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '../../core/batch.ts';
import type { Context, Description, Sink } from '../../core/component.ts';
import { RejectedError } from '../../core/errors.ts';
import { HttpClient, retryAfterMs, type HttpAnswer } from '../../io/http-client.ts';

export interface HttpSinkSettings {
  readonly endpoint: URL;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly contentType: string;
  readonly accept: string;
  /** What follows from a status, by the exact one, its class, and the default. */
  readonly rollback: (status: number) => boolean;
  readonly backoff: (status: number) => boolean;
  readonly delivered: (status: number) => boolean;
}

const MOST_ANSWER_BYTES = 1024 * 1024;
/** Flume's pause after a BACKOFF: a second more for each in a row, up to five. */
const PAUSE_STEP_MS = 1000;
const MOST_STEPS = 5;
const LONGEST_WAIT_MS = 60_000;

/** Posts each event by itself. What the answer means is the configuration's to say, in Flume's words: roll back, back off, count. */
export class HttpSink implements Sink {
  /** Each event is answered by itself, and what was posted is not posted again for the sake of another. */
  readonly batchSize = 1;
  readonly #context: Context;
  readonly #settings: HttpSinkSettings;
  readonly #client: HttpClient;
  readonly #headers: Readonly<Record<string, string>>;
  #notBeforeMs = 0;
  #backoffs = 0;

  constructor(context: Context, settings: HttpSinkSettings) {
    this.#context = context;
    this.#settings = settings;
    const { connectTimeoutMs, requestTimeoutMs, endpoint, contentType, accept } = settings;
    this.#client = new HttpClient({ connectTimeoutMs, answerTimeoutMs: requestTimeoutMs, mostAnswerBytes: MOST_ANSWER_BYTES, log: context.log });
    const { username, password } = endpoint;
    const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const authorization = username === '' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
    this.#headers = { 'content-type': contentType, accept, ...authorization };
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#client.close();
  }

  describe(): Description {
    const { origin, pathname } = this.#settings.endpoint;
    return { summary: `posts to ${origin}${pathname}` };
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    for (let index = 0; index < batch.size; index++) await this.#post(batch.body(index), index, signal);
  }

  async #post(body: Buffer, index: number, signal: AbortSignal): Promise<void> {
    if (body.length === 0) throw new RejectedError([index], 'its body is empty, and events without a body are not posted');
    const wait = this.#notBeforeMs - performance.now();
    if (wait > 0) await sleep(wait, undefined, { signal });
    const { endpoint, rollback, backoff, delivered } = this.#settings;
    const url = new URL(endpoint);
    url.username = url.password = '';
    const answer = await this.#client.request({ method: 'POST', url, headers: this.#headers, body }, signal);
    const { status } = answer;
    this.#context.count(`HttpStatus${Math.floor(status / 100)}xxCount`, 1);
    this.#pauseAfter(answer, backoff(status));
    if (rollback(status)) throw new Error(`${url.host} answered ${status}; the event is posted again (rollback.${status})`);
    if (delivered(status) || (status >= 200 && status < 300)) return;
    // Flume takes it for delivered, and nobody hears of it again.
    throw new RejectedError([index], `${url.host} answered ${status}, and rollback.${status} is false`, {
      details: [{ reason: `the server answered ${status}`, reply: answer.body.toString('utf8', 0, 2000) }],
    });
  }

  #pauseAfter({ status, headers }: HttpAnswer, backoff: boolean): void {
    const asked = status === 429 || status === 503 ? Math.min(retryAfterMs(headers['retry-after'], Date.now()), LONGEST_WAIT_MS) : 0;
    this.#backoffs = backoff ? Math.min(this.#backoffs + 1, MOST_STEPS) : 0;
    // What is rolled back is offered again after a pause of its own; this is for what is not.
    const own = this.#settings.rollback(status) ? 0 : this.#backoffs * PAUSE_STEP_MS;
    this.#notBeforeMs = performance.now() + Math.max(asked, own);
  }
}
