import { Readable } from 'node:stream';

/**
 * One NameNode's WebHDFS, over the package `webhdfs` with what it gets wrong put right: by itself it takes many errors for success, does
 * not say which error it was, does not encode paths, follows a redirection to anywhere and may never answer.
 */
export interface WebHdfsClient {
  /** `http://name:9870`. */
  readonly address: string;
  /** Resolves once the DataNode has said that all bytes are stored. */
  write(operation: 'create' | 'append', path: string, bytes: Buffer, parameters: Parameters_, signal: AbortSignal): Promise<void>;
  /** `undefined` if there is nothing. */
  length(path: string): Promise<number | undefined>;
  read(path: string, length: number): Promise<Buffer>;
  truncate(path: string, length: number): Promise<boolean>;
  rename(from: string, to: string): Promise<boolean>;
  remove(path: string): Promise<void>;
}

type Parameters_ = Readonly<Record<string, string | number | boolean>>;

/** How a call failed. */
export class WebHdfsError extends Error {
  /** Hadoop's exception by its simple name, or the system's error code. */
  readonly reason: string;
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** The NameNode had sent the call on to this DataNode, `host:port`. */
  readonly dataNode: string | undefined;
  /** No byte of the request can have arrived. */
  readonly neverSent: boolean;

  constructor(message: string, facts: { reason: string; status?: number; dataNode?: string | undefined; neverSent?: boolean }, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'WebHdfsError';
    this.reason = facts.reason;
    this.status = facts.status ?? 0;
    this.dataNode = facts.dataNode;
    this.neverSent = facts.neverSent ?? false;
  }
}

export interface WebHdfsOptions {
  readonly address: string;
  readonly user?: string;
  /** Act for this user. */
  readonly doAs?: string;
  /** Stands instead of the user. */
  readonly delegationToken?: string;
  /** Milliseconds for each call; 0: no limit. */
  readonly timeoutMs: number;
  /** Keeps connections. */
  readonly agent: object;
  /** Why a redirection must not be followed; `undefined` if it may be. */
  refusal(location: URL): string | undefined;
}

export async function webHdfsClient(options: WebHdfsOptions): Promise<WebHdfsClient> {
  // @ts-expect-error The package has no types.
  const package_ = (await import('webhdfs')) as { default: Package };
  const { hostname, port, protocol } = new URL(options.address);
  const secure = protocol === 'https:';
  const parts = { protocol: secure ? 'https' : 'http', host: hostname, port: port || (secure ? 443 : 80), path: ROOT };
  const limits = { ...(options.timeoutMs > 0 && { timeout: options.timeoutMs }), agent: options.agent, followRedirect: false };
  const client = package_.default.createClient(parts, limits);
  mend(client, options);
  return new Client(client, options);
}

const ROOT = '/webhdfs/v1';
const MESSAGE_CHARACTERS = 300;
/** The connection was never there. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL']);

interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}
type Done = (error: unknown, answer?: Answer, body?: unknown) => void;
interface Request extends NodeJS.WritableStream {
  abort(): void;
}
/** What is used, and what is replaced, of a client of the package. */
interface PackageClient {
  _isRedirect(answer: Answer): boolean;
  _isError(answer: Answer): boolean;
  _parseError(body: unknown, strict: boolean, status: number): Error;
  _getOperationEndpoint(operation: string, path: string, parameters?: Parameters_): string;
  _sendRequest(method: string, url: string, options: object, done: Done): Request;
  createWriteStream(path: string, append: boolean, parameters: Parameters_): Request;
  stat(path: string, done: (error: unknown, status?: { length?: number; type?: string }) => void): unknown;
  unlink(path: string, recursive: boolean, done: (error: unknown) => void): unknown;
  rename(from: string, to: string, done: (error: unknown) => void): unknown;
}
interface Package {
  createClient(options: object, request: object): PackageClient;
}

function mend(client: PackageClient, options: WebHdfsOptions): void {
  const identity: Parameters_ = {
    ...(options.delegationToken === undefined ? options.user !== undefined && { 'user.name': options.user } : { delegation: options.delegationToken }),
    ...(options.doAs !== undefined && { doas: options.doAs }),
  };
  const send = client._sendRequest.bind(client);
  Object.assign(client, {
    _isError: ({ statusCode }: Answer) => statusCode !== 200 && statusCode !== 201,
    _parseError: parseError,
    _getOperationEndpoint: (operation: string, path: string, parameters: Parameters_ = {}) => {
      const query = Object.entries({ op: operation.toUpperCase(), ...identity, ...parameters }).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
      return `${options.address}${ROOT}${path.split('/').map(encodeURIComponent).join('/')}?${query.join('&')}`;
    },
    // The package leaves the third argument out where it has none.
    _sendRequest: (method: string, url: string, third: object | Done, fourth?: Done) => {
      const done = (fourth ?? third) as Done;
      return send(method, url, fourth ? third : {}, (error, answer, body) => {
        if (!error && (body as { boolean?: unknown } | undefined)?.boolean === false) done(new WebHdfsError('the answer is "false"', { reason: 'false', status: 200 }));
        else done(error, answer, body);
      });
    },
  });
}

function parseError(body: unknown, _strict: boolean, status: number): Error {
  const parsed = typeof body === 'string' || Buffer.isBuffer(body) ? parseJson(String(body)) : body;
  const remote = (parsed as { RemoteException?: { exception?: unknown; message?: unknown } } | undefined)?.RemoteException;
  if (!remote) return new WebHdfsError(`the answer is ${status} without a reason`, { reason: `${status}`, status });
  const [line = ''] = String(remote.message).split('\n');
  return new WebHdfsError(`${String(remote.exception)}: ${line.slice(0, MESSAGE_CHARACTERS)}`, { reason: String(remote.exception), status });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

class Client implements WebHdfsClient {
  readonly address: string;
  readonly #client: PackageClient;
  readonly #options: WebHdfsOptions;

  constructor(client: PackageClient, options: WebHdfsOptions) {
    this.address = options.address;
    this.#client = client;
    this.#options = options;
  }

  write(operation: 'create' | 'append', path: string, bytes: Buffer, parameters: Parameters_, signal: AbortSignal): Promise<void> {
    const call = new TwoStepCall(this.#client, this.#options);
    return call.run(operation, path, bytes, parameters, signal);
  }

  async length(path: string): Promise<number | undefined> {
    try {
      const status = await this.#once<{ length?: number; type?: string }>((done) => this.#client.stat(path, done));
      if (status.type === 'DIRECTORY') throw new WebHdfsError(`${path} is a directory`, { reason: 'IsDirectory', status: 200 });
      return status.length ?? 0;
    } catch (error) {
      if (error instanceof WebHdfsError && error.reason === 'FileNotFoundException') return undefined;
      throw error;
    }
  }

  async read(path: string, length: number): Promise<Buffer> {
    const url = this.#client._getOperationEndpoint('open', path, { offset: 0, length });
    const followRedirect = ({ headers }: Answer): boolean => headers['location'] !== undefined && this.#options.refusal(new URL(headers['location'])) === undefined;
    return this.#once((done) => this.#client._sendRequest('GET', url, { json: false, encoding: null, followRedirect }, (error, _, body) => done(error, body as Buffer)));
  }

  truncate(path: string, length: number): Promise<boolean> {
    const url = this.#client._getOperationEndpoint('truncate', path, { newlength: length });
    return this.#unlessFalse((done) => this.#client._sendRequest('POST', url, {}, done));
  }

  rename(from: string, to: string): Promise<boolean> {
    return this.#unlessFalse((done) => this.#client.rename(from, to, done));
  }

  async remove(path: string): Promise<void> {
    await this.#unlessFalse((done) => this.#client.unlink(path, false, done));
  }

  async #unlessFalse(call: (done: (error: unknown) => void) => unknown): Promise<boolean> {
    try {
      await this.#once<undefined>((done) => call((error) => done(error)));
      return true;
    } catch (error) {
      if (error instanceof WebHdfsError && error.reason === 'false') return false;
      throw error;
    }
  }

  /** The package's own limit is one of silence; this one is of the whole call. */
  #once<T>(call: (done: (error: unknown, result?: T) => void) => unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = limit(this.#options.timeoutMs, () => reject(timedOut(this.#options.timeoutMs)));
      call((error, result) => {
        clearTimeout(timer);
        if (error) reject(asWebHdfsError(error));
        else resolve(result as T);
      });
    });
  }
}

/** A write: the NameNode names a DataNode, which gets the bytes. */
class TwoStepCall {
  readonly #client: PackageClient;
  readonly #options: WebHdfsOptions;
  #dataNode: string | undefined;
  #refused: string | undefined;
  /** What the bytes go to. */
  #request: Request | undefined;

  constructor(client: PackageClient, options: WebHdfsOptions) {
    this.#options = options;
    // Its own view of the client, because only the first answer may be a redirection, and it alone.
    this.#client = Object.create(client) as PackageClient;
    this.#client._isRedirect = (answer) => this.#follows(answer);
    this.#client._isError = (answer) => this.#isError(answer);
    this.#client._parseError = (body, strict, status) => this.#refusedError() ?? parseError(body, strict, status);
  }

  run(operation: 'create' | 'append', path: string, bytes: Buffer, parameters: Parameters_, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new WebHdfsError('stopping', { reason: 'aborted', neverSent: true }));
      const giveUp = (error: WebHdfsError): void => {
        settle(error);
        this.#request?.abort();
      };
      const stop = (): void => giveUp(new WebHdfsError('stopping', { reason: 'aborted', dataNode: this.#dataNode }));
      const { timeoutMs } = this.#options;
      const timer = limit(timeoutMs, () => giveUp(timedOut(timeoutMs, this.#dataNode)));
      const settle = (error?: unknown): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        if (error) reject(asWebHdfsError(error, this.#dataNode));
        else resolve();
      };
      signal.addEventListener('abort', stop);
      const request = this.#client.createWriteStream(path, operation === 'append', parameters);
      request.on('error', settle);
      request.on('finish', () => settle());
      new Bytes(bytes, (target) => (this.#request = target)).pipe(request);
    });
  }

  #follows({ statusCode, headers }: Answer): boolean {
    const { location } = headers;
    if ((statusCode !== 307 && statusCode !== 301) || location === undefined) return false;
    const url = URL.canParse(location) ? new URL(location) : undefined;
    this.#refused = url ? this.#options.refusal(url) : 'it is no URL';
    if (!url || this.#refused !== undefined) return false;
    this.#dataNode = url.host;
    return true;
  }

  /** The first answer has to be a redirection that may be followed; the second says whether the bytes are stored. */
  #isError(answer: Answer): boolean {
    if (this.#dataNode === undefined) return true;
    if (!this.#redirected) {
      this.#redirected = true;
      return false;
    }
    return answer.statusCode !== 200 && answer.statusCode !== 201;
  }
  #redirected = false;

  #refusedError(): WebHdfsError | undefined {
    if (this.#refused === undefined) return undefined;
    return new WebHdfsError(`the NameNode sends the bytes to another place, which is not followed: ${this.#refused}`, { reason: 'redirection', status: 307, neverSent: true });
  }
}

/** The bytes as a stream that tells what it is connected to: the package keeps its second request to itself. */
class Bytes extends Readable {
  #rest: Buffer | undefined;
  readonly #connected: (target: Request) => void;

  constructor(bytes: Buffer, connected: (target: Request) => void) {
    super({ highWaterMark: 1 << 20 });
    this.#rest = bytes;
    this.#connected = connected;
  }

  override _read(): void {
    if (this.#rest) this.push(this.#rest);
    this.#rest = undefined;
    this.push(null);
  }

  override pipe<T extends NodeJS.WritableStream>(target: T, options?: { end?: boolean }): T {
    this.#connected(target as unknown as Request);
    return super.pipe(target, options);
  }
}

function limit(timeoutMs: number, late: () => void): NodeJS.Timeout | undefined {
  return timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined;
}

function timedOut(timeoutMs: number, dataNode?: string): WebHdfsError {
  return new WebHdfsError(`no answer within ${timeoutMs} ms (hdfs.callTimeout)`, { reason: 'timeout', dataNode });
}

function asWebHdfsError(error: unknown, dataNode?: string): WebHdfsError {
  if (error instanceof WebHdfsError) {
    return new WebHdfsError(error.message, { reason: error.reason, status: error.status, neverSent: error.neverSent, dataNode: dataNode ?? error.dataNode });
  }
  const { code, message, connect } = error as { code?: string; message?: string; connect?: boolean };
  const reason = code ?? 'error';
  return new WebHdfsError(message ?? String(error), { reason, dataNode, neverSent: NOT_CONNECTED.has(reason) || connect === true }, { cause: error });
}
