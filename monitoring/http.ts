import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Endpoint } from '../core/component.ts';
import { describeError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { AgentMetrics } from '../core/metrics.ts';
import { Backoff, type BackoffLimits } from '../io/backoff.ts';
import { connectionLimit } from '../io/descriptors.ts';
import { nodeHttp } from '../io/node-http.ts';
import { answerTo, type Answer, type Question } from './answers.ts';
import { ChannelAnswers, isAboutChannels, isLoopback } from './channels.ts';
import { isAboutStatus, statusAnswer, type StatusFacts } from './status.ts';
import type { MonitoringSettings } from './settings.ts';

/** Limits of clients, so that none can keep others from the answers or slow the flow down. */
const DEADLINE_MS = 10_000;
const KEEP_ALIVE_MS = 5000;
const MOST_HEADER_BYTES = 8192;
const MOST_HEADERS = 64;
const REQUESTS_PER_CONNECTION = 100;
const MOST_CONNECTIONS = 128;
const REPLAY = /^POST \/dead-letters\/replay\?request=([0-9a-f]{32})$/;
const NOT_THERE: Answer = { status: 500, contentType: 'text/plain;charset=utf-8', body: 'Not replayed; see the log of the agent.\n' };
const RETRY = { firstMs: 2000, mostMs: 30_000 };

export interface MonitoringOptions extends MonitoringSettings {
  readonly metrics: AgentMetrics;
  readonly log: Logger;
  /** Takes secrets out of the reasons that `/health` and `/ready` show. */
  readonly redact?: (text: string) => string;
  /**
   * Sends dead letters on, as a request of this name says which its asker left where only the agent's owner may write. Asked for from this
   * machine only.
   */
  readonly replay?: (request: string) => Promise<Answer>;
  /** What `/status` says besides the components. */
  readonly status?: StatusFacts;
  /** Longest that a client may take for its headers, its request, or one step of reading the answer; 10 s unless given. */
  readonly deadlineMs?: number;
  /** Pauses before a port that is taken is tried again. */
  readonly retry?: BackoffLimits;
}

/**
 * Serves the figures of an agent: read-only but for the replay of dead letters, on loopback unless it was told otherwise, within fixed limits. Whatever goes wrong here is
 * logged and stays here: the flow of events goes on.
 */
export class Monitoring {
  readonly #options: MonitoringOptions;
  readonly #stopping = new AbortController();
  /** Open connections, the one that asked last at the end. */
  readonly #connections = new Set<Socket>();
  readonly #mostConnections = Math.min(MOST_CONNECTIONS, Math.ceil(connectionLimit() / 4));
  readonly #channels: ChannelAnswers;
  #server: Server | undefined;
  #endpoint: Endpoint | undefined;
  #retrying: Promise<void> | undefined;

  constructor(options: MonitoringOptions) {
    this.#options = options;
    this.#channels = new ChannelAnswers(options.metrics);
  }

  /** Where it listens; `undefined` while it does not. */
  get endpoint(): Endpoint | undefined {
    return this.#endpoint;
  }

  /** Resolves once the port is bound, or could not be: then it is tried again in the background. Never throws. */
  async start(): Promise<void> {
    const backoff = new Backoff(this.#options.retry ?? RETRY);
    if (await this.#listen()) return;
    this.#retrying = this.#retry(backoff);
  }

  /** Closes the port and every connection. Safe without `start`. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#retrying;
    const server = this.#server;
    this.#server = undefined;
    this.#endpoint = undefined;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#connections) socket.destroy();
    await closed;
  }

  async #retry(backoff: Backoff): Promise<void> {
    const { signal } = this.#stopping;
    do {
      await backoff.pause(signal).catch(() => undefined);
    } while (!signal.aborted && !(await this.#listen()));
  }

  async #listen(): Promise<boolean> {
    const { host, port, log } = this.#options;
    const server = boundedServer(this.#options.deadlineMs ?? DEADLINE_MS);
    server.on('connection', (socket) => this.#connected(socket));
    server.on('request', (request, response) => this.#asked(request, response));
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port }, resolve);
      });
    } catch (error) {
      log.error('monitoring cannot listen; the agent goes on without it and tries again', { address: `${host}:${port}`, reason: describeError(error) });
      return false;
    }
    server.on('error', (error) => log.error('monitoring cannot accept a connection', { reason: describeError(error) }));
    const bound = server.address() as AddressInfo;
    const address = bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
    this.#server = server;
    this.#endpoint = { protocol: 'http', address, tls: false, authentication: false };
    log.info('monitoring listens', { address });
    return true;
  }

  /** Above the limit the connection that has been silent longest goes, so that a flood of silent ones does not shut others out. */
  #connected(socket: Socket): void {
    const connections = this.#connections;
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    if (connections.size <= this.#mostConnections) return;
    const [oldest] = connections;
    if (!oldest) return;
    connections.delete(oldest);
    oldest.destroy();
    this.#options.log.warn('too many connections for monitoring; the oldest is closed', { limit: this.#mostConnections });
  }

  #asked(request: IncomingMessage, response: ServerResponse): void {
    if (this.#connections.delete(request.socket)) this.#connections.add(request.socket);
    response.on('error', () => undefined);
    const target = request.url ?? '/';
    const asker = { peer: request.socket.remoteAddress, headers: request.headers };
    if (request.method === 'GET' && isAboutChannels(target)) {
      this.#channels.answer(target, asker).then(
        (answer) => respond(request, response, answer),
        (error: unknown) => this.#cannotAnswer(request, response, error),
      );
      return;
    }
    const replay = REPLAY.exec(`${request.method} ${target}`);
    if (replay && this.#options.replay && isLoopback(request.socket.remoteAddress)) {
      this.#options.replay(replay[1] as string).then(
        (answer) => respond(request, response, answer),
        (error: unknown) => {
          this.#options.log.error('dead letters cannot be replayed', { reason: describeError(error) });
          respond(request, response, NOT_THERE);
        },
      );
      return;
    }
    const question: Question = { method: request.method ?? 'GET', target, accept: request.headers.accept ?? '' };
    try {
      respond(request, response, isAboutStatus(target) ? statusAnswer(asker, this.#options) : answerTo(question, this.#options));
    } catch (error) {
      this.#cannotAnswer(request, response, error);
    }
  }

  #cannotAnswer(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    this.#options.log.error('monitoring cannot answer', { reason: describeError(error) });
    respond(request, response, { status: 500, contentType: 'text/plain;charset=utf-8', body: 'The figures could not be read; see the log of the agent.\n' });
  }
}

function respond(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body);
  // A body is never read: the connection that sends one ends with the answer.
  const sendsBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(sendsBody && { connection: 'close' }),
  });
  response.end(body);
}

function boundedServer(deadlineMs: number): Server {
  const server = nodeHttp().createServer({
    headersTimeout: deadlineMs,
    requestTimeout: deadlineMs,
    connectionsCheckingInterval: Math.min(1000, deadlineMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MOST_HEADER_BYTES,
    noDelay: true,
  });
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION;
  server.maxHeadersCount = MOST_HEADERS;
  server.timeout = deadlineMs;
  return server;
}
