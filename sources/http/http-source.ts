import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { reachableAt } from '../../core/address.ts';
import type { Description, HttpHandler, Source, SourceContext } from '../../core/component.ts';
import { BadRequestError, ChannelFullError, describeError, isAbort } from '../../core/errors.ts';
import { nodeHttp } from '../../io/node-http.ts';
import { listenTcp, remoteAddress, toldTo, type TcpServer } from '../../io/tcp-server.ts';
import { acceptLayers } from '../../io/tls/layers.ts';
import type { TlsLists } from '../../io/tls/tls-names.ts';
import { TlsStores } from '../../io/tls/tls-stores.ts';
import { BodyReader, BodyRoom } from './body-reader.ts';

/** Longest wait for the headers of a request, and for a TLS handshake. */
const HEADERS_MS = 10_000;
/** Longest time of a whole request; slow ones are ended sooner by their rate. */
const REQUEST_MS = 300_000;
const LOOK_EVERY_MS = 1000;
const MOST_HEADERS = 200;
/** Bytes of the bodies of all requests that are being read or stored. */
const ROOM_BYTES = 64 * 1024 * 1024;
/** A stop waits so long for requests that are being stored. */
const STOP_MS = 2000;

export interface HttpSettings extends TlsLists {
  readonly bind: string;
  readonly port: number;
  readonly maxConnections: number;
  readonly maxRequestBytes: number;
  readonly tls: { readonly path: string; readonly password: string | undefined } | undefined;
  /** Sent with each answer. */
  readonly headers: readonly (readonly [string, string])[];
  readonly headerBytes: number;
  readonly idleMs: number;
  readonly clientIPHeader?: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly text?: string;
}

/**
 * Answers 200 once every channel has stored the events of a request. They are stored together or not at all: a request of more events than
 * a channel takes at a time is refused.
 */
export class HttpSource implements Source {
  readonly #context: SourceContext;
  readonly #handler: HttpHandler;
  readonly #settings: HttpSettings;
  readonly #connections = new Set<Duplex>();
  readonly #room = new BodyRoom(ROOM_BYTES);
  #active = 0;
  #idle: () => void = () => undefined;
  #http: Server | undefined;
  #server: TcpServer | undefined;
  #tls: TlsStores | undefined;

  constructor(context: SourceContext, handler: HttpHandler, settings: HttpSettings) {
    this.#context = context;
    this.#handler = handler;
    this.#settings = settings;
  }

  async start(): Promise<void> {
    const { bind, port, maxConnections, tls } = this.#settings;
    if (tls) this.#tls = await TlsStores.forServer({ keystore: tls, truststore: undefined, lists: this.#settings, log: this.#context.log });
    this.#http = this.#httpServer();
    this.#server = await listenTcp({
      host: bind,
      port,
      maxConnections: maxConnections || Infinity,
      connected: (socket) => void this.#connected(socket),
      ...toldTo(this.#context),
    });
  }

  /** No more requests are taken; those that are being stored have a moment to be answered. */
  async stop(): Promise<void> {
    const closed = this.#server?.close();
    this.#tls?.close();
    this.#http?.closeIdleConnections();
    if (this.#active > 0) await Promise.race([new Promise<void>((resolve) => (this.#idle = resolve)), new Promise((resolve) => setTimeout(resolve, STOP_MS).unref())]);
    for (const connection of this.#connections) connection.destroy();
    this.#http?.close();
    await closed;
    this.#server = this.#http = undefined;
  }

  describe(): Description {
    const address = this.#server?.address;
    if (!address) return {};
    const { tls } = this.#settings;
    const { host, port } = reachableAt(address);
    return {
      summary: 'each request is answered once its events are stored',
      endpoints: [{ protocol: 'http', address, tls: tls !== undefined, authentication: false }],
      ...(!tls && { tryIt: `curl -d '[{"headers":{"a":"b"},"body":"hello"}]' -H 'Content-Type: application/json' http://${host.includes(':') ? `[${host}]` : host}:${port}/` }),
    };
  }

  #httpServer(): Server {
    const { headerBytes, idleMs } = this.#settings;
    const server = nodeHttp().createServer({
      maxHeaderSize: Math.max(headerBytes, 256),
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: LOOK_EVERY_MS,
      keepAliveTimeout: idleMs,
    });
    server.maxHeadersCount = MOST_HEADERS;
    server.on('request', (request, response) => void this.#asked(request, response));
    server.on('clientError', (error, socket) => this.#malformed(error, socket));
    // The server is given its connections, and does not listen: this makes it look after their deadlines all the same.
    server.emit('listening');
    return server;
  }

  /** Never rejects. */
  async #connected(socket: Socket): Promise<void> {
    this.#connections.add(socket);
    this.#context.count('OpenConnectionCount', 1);
    socket.once('close', () => {
      this.#connections.delete(socket);
      this.#context.count('OpenConnectionCount', -1);
    });
    socket.on('error', () => undefined);
    try {
      const stream = await acceptLayers(socket, { tls: this.#tls, deadlineMs: HEADERS_MS });
      this.#http?.emit('connection', stream);
    } catch (error) {
      this.#context.count('TlsHandshakeFailedCount', 1);
      this.#context.log.warn('connection refused: no TLS', { peer: `${socket.remoteAddress}:${socket.remotePort}`, reason: describeError(error) });
    }
  }

  #malformed(error: NodeJS.ErrnoException, socket: Duplex): void {
    this.#context.count('EventReadFail', 1);
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  async #asked(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#active++;
    response.on('error', () => undefined);
    const answer = await this.#answer(request).catch((error: unknown): Answer => {
      this.#context.log.error('request could not be answered', { reason: describeError(error) });
      return { status: 500, text: describeError(error) };
    });
    this.#respond(request, response, answer);
    this.#active--;
    if (this.#active === 0) this.#idle();
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const refused = refusedMethod(request.method ?? '');
    if (refused) return refused;
    // A client that has gone by then has no address any more.
    const client = remoteAddress(request.socket);
    const reader = new BodyReader(request, this.#settings.maxRequestBytes, this.#room);
    try {
      const body = await reader.read();
      return Buffer.isBuffer(body) ? await this.#take(request, body, client) : { status: body.status, text: body.reason };
    } finally {
      reader.release();
    }
  }

  async #take(request: IncomingMessage, body: Buffer, client: string): Promise<Answer> {
    const { clientIPHeader } = this.#settings;
    const { count, log } = this.#reports();
    let batch;
    try {
      batch = await this.#handler.handle({ body, contentType: request.headers['content-type'], parameters: parametersOf(request.url ?? '/'), headers: headersOf(request) });
    } catch (error) {
      count('EventReadFail', 1);
      if (error instanceof BadRequestError) return { status: error.status, text: `Bad request from client. ${error.message}` };
      log.warn('handler failed', { reason: describeError(error) });
      return { status: 500, text: `Deserializer threw unexpected exception. ${describeError(error)}` };
    }
    const { size } = batch;
    count('AppendBatchReceivedCount', 1);
    count('EventReceivedCount', size);
    if (size > this.#context.batchLimit) {
      count('ChannelWriteFail', 1);
      return { status: 413, text: `A request may hold ${this.#context.batchLimit} events, which is the least transactionCapacity of the channels; this one has ${size}. Send fewer at a time.` };
    }
    try {
      if (size > 0) await this.#context.deliver(clientIPHeader === undefined ? batch : batch.withHeader(clientIPHeader, client, false));
    } catch (error) {
      const isChannel = error instanceof ChannelFullError || isAbort(error);
      count(isChannel ? 'ChannelWriteFail' : 'GenericProcessingFail', 1);
      if (isChannel) return { status: 503, text: `Error appending event to channel. Channel might be full.${describeError(error)}` };
      log.warn('request could not be stored', { events: size, reason: describeError(error) });
      return { status: 500, text: `Unexpected error while appending event to channel. ${describeError(error)}` };
    }
    count('AppendBatchAcceptedCount', 1);
    count('EventAcceptedCount', size);
    return { status: 200 };
  }

  #reports(): Pick<SourceContext, 'count' | 'log'> {
    return { count: (name, amount) => this.#context.count(name, amount), log: this.#context.log };
  }

  #respond(request: IncomingMessage, response: ServerResponse, { status, text }: Answer): void {
    if (response.destroyed || response.headersSent) return;
    for (const [name, value] of this.#settings.headers) response.setHeader(name, value);
    // What was not read of the body would be taken for the next request.
    if (!request.complete) response.setHeader('Connection', 'close');
    const bytes = text === undefined ? Buffer.alloc(0) : Buffer.from(page(status, text));
    if (text !== undefined) {
      response.setHeader('Content-Type', 'text/html;charset=utf-8');
      response.setHeader('Cache-Control', 'must-revalidate,no-cache,no-store');
    }
    response.setHeader('Content-Length', bytes.length);
    response.statusCode = status;
    response.end(bytes);
    if (!request.complete) request.resume();
  }
}

/** As Flume's servlet container answers them. */
function refusedMethod(method: string): Answer | undefined {
  if (method === 'POST' || method === 'GET' || method === 'HEAD') return undefined;
  if (method === 'OPTIONS' || method === 'TRACE') return { status: 403, text: 'Forbidden' };
  if (method === 'PUT' || method === 'DELETE') return { status: 405, text: `HTTP method ${method} is not supported by this URL` };
  return { status: 501, text: `Method ${method} is not defined in RFC 2068 and is not supported by the Servlet API` };
}

function parametersOf(url: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const query = url.indexOf('?');
  if (query < 0) return parameters;
  for (const [name, value] of new URLSearchParams(url.slice(query + 1))) if (!parameters.has(name)) parameters.set(name, value);
  return parameters;
}

function headersOf(request: IncomingMessage): ReadonlyMap<string, string> {
  return new Map(Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]));
}

function page(status: number, text: string): string {
  const shown = text.slice(0, 1000).replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
  return `<html>\n<head>\n<title>Error ${status}</title>\n</head>\n<body><h2>HTTP ERROR ${status}</h2>\n<p>${shown}</p>\n</body>\n</html>\n`;
}
