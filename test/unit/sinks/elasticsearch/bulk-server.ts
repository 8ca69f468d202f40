/** A server that answers `_bulk` as it is told to, and keeps what it was sent. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface SentDocument {
  readonly operation: string;
  readonly action: Readonly<Record<string, unknown>>;
  /** As it was sent. */
  readonly text: string;
}

export interface BulkRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly documents: readonly SentDocument[];
}

export interface BulkAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What one request is answered with; `hang` never, `cut` in the middle of the answer, `reset` not at all after it was read. */
export type Behaviour = (request: BulkRequest, number: number) => BulkAnswer | 'hang' | 'cut' | 'reset';

/** Items that all went well. */
export function stored(request: BulkRequest): BulkAnswer {
  return { body: { items: request.documents.map((one) => item(one, 201)) } };
}

export function item({ operation, action }: SentDocument, status: number, error?: unknown): unknown {
  return { [operation]: { ...(action['_id'] !== undefined && { _id: action['_id'] }), status, ...(error !== undefined && { error }) } };
}

export class BulkServer {
  readonly requests: BulkRequest[] = [];
  behaviour: Behaviour = stored;
  connections = 0;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('connection', () => this.connections++);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Documents that were answered with 200 or 201, in order. */
  readonly taken: SentDocument[] = [];

  listen(port = 0): Promise<void> {
    // A test that only looks at a sink does not stop it.
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve).unref());
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const raw = Buffer.concat(chunks);
    const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString();
    const seen: BulkRequest = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body, documents: documentsOf(body) };
    this.requests.push(seen);
    const answer = this.behaviour(seen, this.requests.length);
    if (answer === 'hang') return;
    if (answer === 'reset') return void request.socket.destroy();
    const text = JSON.stringify((answer === 'cut' ? stored(seen) : answer).body ?? {});
    if (answer === 'cut') {
      response.writeHead(200, { 'content-length': Buffer.byteLength(text) });
      response.write(text.slice(0, text.length / 2), () => request.socket.destroy());
      return;
    }
    const { status = 200, headers = {} } = answer;
    const items = status === 200 ? ((answer.body as { items?: unknown[] } | undefined)?.items ?? []) : [];
    for (const [index, one] of items.entries()) {
      const result = Object.values(one as Record<string, { status: number }>)[0];
      if (result && result.status < 300 && seen.documents[index]) this.taken.push(seen.documents[index]);
    }
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(text);
  }
}

/** Pairs of lines; throws for what is no `_bulk` body. */
function documentsOf(body: string): SentDocument[] {
  const lines = body.split('\n');
  if (lines.pop() !== '' || lines.length % 2 !== 0) throw new Error(`no whole number of documents: ${JSON.stringify(body.slice(0, 300))}`);
  const documents: SentDocument[] = [];
  for (let at = 0; at < lines.length; at += 2) {
    const [[operation, action] = ['', {}]] = Object.entries(JSON.parse(lines[at] ?? '') as Record<string, Record<string, unknown>>);
    JSON.parse(lines[at + 1] ?? '');
    documents.push({ operation, action, text: lines[at + 1] ?? '' });
  }
  return documents;
}
