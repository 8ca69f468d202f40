/**
 * An S3 server in memory whose answers a test decides: for refusals that a real server does not give on demand. What it keeps and how it
 * answers when it is left alone is as versitygw and MinIO were seen to.
 */

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface FakeRequest {
  readonly method: string;
  /** `/bucket/key`, decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What a test wants instead of the usual answer. `cut`: the request is carried out and the connection ended without an answer. */
export type Trick = { readonly status: number; readonly code: string; readonly headers?: Record<string, string> } | 'cut' | 'hang' | undefined;

export interface FakeObject {
  readonly body: Buffer;
  readonly headers: IncomingMessage['headers'];
}

interface Unfinished {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly parts: Map<number, Buffer>;
}

export class FakeS3 {
  readonly objects = new Map<string, FakeObject>();
  readonly uploads = new Map<string, Unfinished>();
  readonly requests: FakeRequest[] = [];
  trick: (request: FakeRequest) => Trick = () => undefined;
  #nextUpload = 1;
  readonly #server: Server;
  readonly #scheme: string;

  /** `pem`: a key with its certificate; the server then speaks HTTPS. */
  constructor(pem?: Buffer) {
    const serve = (request: IncomingMessage, response: ServerResponse): void => void this.#serve(request, response);
    this.#scheme = pem ? 'https' : 'http';
    this.#server = pem ? createTlsServer({ key: pem, cert: pem }, serve) : createServer(serve);
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get endpoint(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Bodies by key, without the bucket. */
  get bodies(): Map<string, string> {
    return new Map([...this.objects].map(([path, { body }]) => [path.split('/').slice(2).join('/'), body.toString()]));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
    const url = new URL(message.url ?? '/', 'http://x');
    const { method = '', headers } = message;
    const request = { method, path: decodeURIComponent(url.pathname), query: url.searchParams, headers, body: Buffer.concat(chunks) };
    this.requests.push(request);
    const trick = this.trick(request);
    if (trick === 'hang') return;
    if (typeof trick === 'object') return fail(response, trick.status, trick.code, trick.headers);
    if (trick === 'cut') {
      this.#answer(request, undefined);
      message.socket.destroy();
      return;
    }
    this.#answer(request, response);
  }

  #answer(request: FakeRequest, response: ServerResponse | undefined): void {
    const { method, path, query } = request;
    const uploadId = query.get('uploadId');
    if (method === 'GET' && query.has('uploads')) return this.#list(request, response);
    if (method === 'POST' && query.has('uploads')) return this.#begin(request, response);
    if (uploadId !== null) return this.#onUpload(request, uploadId, response);
    const object = this.objects.get(path);
    if (method === 'PUT') {
      if (object && request.headers['if-none-match'] === '*') return fail(response, 412, 'PreconditionFailed');
      this.objects.set(path, { body: request.body, headers: request.headers });
      return ok(response, '', { etag: etagOf(request.body) });
    }
    if (!object) return fail(response, 404, 'NoSuchKey');
    const marks = Object.fromEntries(Object.entries(object.headers).filter(([name]) => name.startsWith('x-amz-meta-'))) as Record<string, string>;
    ok(response, method === 'HEAD' ? '' : object.body, { ...marks, etag: etagOf(object.body) });
  }

  #begin({ path, headers }: FakeRequest, response: ServerResponse | undefined): void {
    const id = `upload-${this.#nextUpload++}`;
    this.uploads.set(id, { path, headers, parts: new Map() });
    ok(response, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
  }

  #onUpload({ method, path, query, body, headers }: FakeRequest, id: string, response: ServerResponse | undefined): void {
    const upload = this.uploads.get(id);
    if (!upload) return fail(response, 404, 'NoSuchUpload');
    if (method === 'GET') return ok(response, '<ListPartsResult></ListPartsResult>');
    if (method === 'PUT') {
      upload.parts.set(Number(query.get('partNumber')), body);
      return ok(response, '', { etag: etagOf(body) });
    }
    if (method === 'POST' && this.objects.has(path) && headers['if-none-match'] === '*') return fail(response, 412, 'PreconditionFailed');
    this.uploads.delete(id);
    if (method === 'DELETE') return ok(response, '');
    const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    this.objects.set(path, { body: Buffer.concat(parts), headers: upload.headers });
    ok(response, '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>');
  }

  #list({ path, query }: FakeRequest, response: ServerResponse | undefined): void {
    const bucket = path.replace(/\/$/, '');
    const all = [...this.uploads].filter(([, upload]) => upload.path.startsWith(`${bucket}/${query.get('prefix') ?? ''}`));
    const text = all.map(([id, upload]) => `<Upload><Key>${upload.path.slice(bucket.length + 1)}</Key><UploadId>${id}</UploadId></Upload>`).join('');
    ok(response, `<ListMultipartUploadsResult>${text}</ListMultipartUploadsResult>`);
  }
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

function ok(response: ServerResponse | undefined, body: string | Buffer, headers: Record<string, string> = {}): void {
  response?.writeHead(200, { 'content-type': 'application/xml', ...headers }).end(body);
}

function fail(response: ServerResponse | undefined, status: number, code: string, headers: Record<string, string> = {}): void {
  response?.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(`<Error><Code>${code}</Code><Message>said by the test</Message></Error>`);
}
