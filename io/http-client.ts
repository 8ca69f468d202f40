import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '../core/log.ts';
import { nodeHttp } from './node-http.ts';
import { ClientCertificates, type ClientCertificateFiles } from './client-certificates.ts';

export interface HttpClientOptions {
  readonly connectTimeoutMs: number;
  /** From the end of the request to the end of the answer. */
  readonly answerTimeoutMs: number;
  readonly mostAnswerBytes: number;
  /** For https: read again when they change. */
  readonly tls?: ClientCertificateFiles;
  readonly log: Logger;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const IDLE_MS = 30_000;
const SILENCE_MS = 5000;
/** Bodies above this are sent only once the server says that it wants them, or says nothing for a second. */
const ASK_FIRST_BYTES = 1024 * 1024;
const ASK_FIRST_MS = 1000;
const DAY_MS = 86_400_000;
const WARN_DAYS = 7;

/**
 * Requests over connections that stay open, one at a time for each. Redirections are not followed; host names are looked up anew for each
 * connection. Every wait has an end.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #certificates: ClientCertificates | undefined;
  #plain: Agent | undefined;
  #secure: Agent | undefined;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#certificates = options.tls && new ClientCertificates(options.tls, options.log);
  }

  /** Throws for what the network says, for time-outs, for answers that are cut or too long, and AbortError once `signal` aborts. */
  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    signal.throwIfAborted();
    const secure = request.url.protocol === 'https:';
    const material = secure && this.#certificates ? await this.#certificates.read() : {};
    const { method, url, body } = request;
    const ask = body.length > ASK_FIRST_BYTES;
    const headers = { ...request.headers, 'content-length': String(body.length), ...(ask && { expect: '100-continue' }) };
    const options: RequestOptions = { method, headers, agent: this.#agent(secure), ...material };
    return new Promise((resolve, reject) => this.#send({ url, options, body, ask, signal, resolve, reject }));
  }

  close(): void {
    this.#plain?.destroy();
    this.#secure?.destroy();
  }

  #send({ url, options, body, ask, signal, resolve, reject }: Sending): void {
    const module = url.protocol === 'https:' ? process.getBuiltinModule('node:https') : nodeHttp();
    const made = module.request(url, options);
    const limit = new Timer();
    const asking = new Timer();
    const onAbort = (): void => void made.destroy(signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError'));
    signal.addEventListener('abort', onAbort, { once: true });
    const ended = (error?: unknown): void => {
      limit.clear();
      asking.clear();
      signal.removeEventListener('abort', onAbort);
      // What was answered before all was sent ends the connection.
      if (error !== undefined || !made.writableEnded) made.destroy();
      if (error !== undefined) reject(error as Error);
    };
    this.#limitWaits(made, url, limit);
    made.once('error', ended);
    made.once('response', (response) => {
      readBody(response, this.#options.mostAnswerBytes).then((answer) => {
        ended();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer });
      }, ended);
    });
    const sendBody = (): void => {
      asking.clear();
      if (!made.writableEnded) made.end(body);
    };
    if (!ask) return sendBody();
    made.once('continue', sendBody);
    asking.set(ASK_FIRST_MS, sendBody);
    made.flushHeaders();
  }

  #limitWaits(made: ClientRequest, url: URL, timer: Timer): void {
    const { connectTimeoutMs, answerTimeoutMs } = this.#options;
    const limit = (ms: number, what: string): void => timer.set(ms, () => made.destroy(new Error(`${what} within ${ms / 1000} s`)));
    made.once('socket', (socket) => {
      // A host that is gone is noticed in 15 s (libuv asks ten times, a second apart); one that is slow answers for its kernel.
      socket.setKeepAlive(true, SILENCE_MS);
      if (!socket.connecting) return limit(answerTimeoutMs, 'no answer');
      limit(connectTimeoutMs, 'no connection');
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        limit(answerTimeoutMs, 'no answer');
        if (url.protocol === 'https:') this.#lookAtCertificate(socket as TLSSocket, url);
      });
    });
  }

  #agent(secure: boolean): Agent {
    const options = { keepAlive: true, timeout: IDLE_MS, scheduling: 'lifo' } as const;
    if (secure) return (this.#secure ??= new (process.getBuiltinModule('node:https').Agent)(options));
    return (this.#plain ??= new (nodeHttp().Agent)(options));
  }

  /** Somebody has to know before the day comes. */
  #lookAtCertificate(socket: TLSSocket, url: URL): void {
    const until = Date.parse(socket.getPeerCertificate().valid_to ?? '');
    if (until - Date.now() < WARN_DAYS * DAY_MS) {
      this.#options.log.warn('the certificate of the server expires soon', { server: url.host, expires: new Date(until).toISOString() });
    }
  }
}

/** What `Retry-After` asks for, seconds or a date, in milliseconds from now; 0 where it says nothing. */
export function retryAfterMs(value: string | undefined, nowMs: number): number {
  if (value === undefined) return 0;
  if (/^[0-9]{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? 0 : Math.max(0, date - nowMs);
}

/** One wait at a time. */
class Timer {
  #timer: NodeJS.Timeout | undefined;

  set(ms: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, ms);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

interface Sending {
  readonly url: URL;
  readonly options: RequestOptions;
  readonly body: Buffer;
  readonly ask: boolean;
  readonly signal: AbortSignal;
  resolve(answer: HttpAnswer): void;
  reject(error: Error): void;
}

async function readBody(response: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error('the answer ends too early');
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}
