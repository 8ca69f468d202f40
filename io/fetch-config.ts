import type { IncomingMessage, RequestOptions } from 'node:http';
import { nodeHttp } from './node-http.ts';

export interface FetchRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Longest wait for the connection, and for each piece of the answer. */
  readonly timeoutMs: number;
  /** Longest time for all of it. */
  readonly totalMs: number;
  readonly mostBytes: number;
}

export interface Fetched {
  readonly status: number;
  readonly body: Buffer;
  readonly lastModified: string | undefined;
  readonly etag: string | undefined;
  /** Where a redirection leads, not followed. */
  readonly location: string | undefined;
}

/** One GET, with Node's certificate checks. Throws for what the network says, for time-outs, and for bodies that are too long. */
export function fetchConfig(request: FetchRequest): Promise<Fetched> {
  const { url, headers, timeoutMs, totalMs, mostBytes } = request;
  const { promise, resolve, reject } = Promise.withResolvers<Fetched>();
  const options: RequestOptions = { method: 'GET', headers: { ...headers, Connection: 'close' }, timeout: timeoutMs };
  const made = module(url).request(url, options, (response) => {
    readBody(response, mostBytes).then((body) => resolve(fetched(response, body)), reject);
  });
  made.on('timeout', () => made.destroy(new Error(`no answer within ${timeoutMs} ms`)));
  made.on('error', reject);
  const timer = setTimeout(() => {
    const late = new Error(`no whole answer within ${totalMs} ms`);
    reject(late);
    made.destroy(late);
  }, totalMs);
  made.on('close', () => clearTimeout(timer));
  made.end();
  return promise;
}

function module(url: URL): typeof import('node:http') | typeof import('node:https') {
  return url.protocol === 'https:' ? process.getBuiltinModule('node:https') : nodeHttp();
}

async function readBody(response: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function fetched({ statusCode = 0, headers }: IncomingMessage, body: Buffer): Fetched {
  return { status: statusCode, body, lastModified: headers['last-modified'], etag: headers.etag, location: headers.location };
}
