import type * as Sdk from '@aws-sdk/client-s3';
import type { Context } from '../../core/component.ts';
import { AgentError, isAbort } from '../../core/errors.ts';
import { readSmallFile } from '../../io/small-file.ts';
import { failureOf, isOfTls, isUnclear, sayFailure, waitAsked } from './failures.ts';
import { Gate } from './gate.ts';
import type { S3Connection } from './settings.ts';

const CONNECT_MS = 10_000;

/** The destination refuses this request, and would again. */
export class RefusedError extends AgentError {
  constructor(what: string, cause: unknown) {
    super('M162', `${what} was refused: ${sayFailure(cause)}`, { cause });
  }
}

/** There is an object of that name, or there was an attempt that got no answer. */
export class NameTakenError extends Error {}
/** The multipart upload was ended by somebody, or complete already. */
export class NoUploadError extends Error {}

export interface Attempts {
  /** An attempt before the last may have been carried out although no answer came. */
  unclear: boolean;
  /** Whether the right to do this may be missing while the others are there: then it is refused, and the others go on. */
  readonly optional?: boolean;
}

export type Request<A> = (client: Sdk.S3Client, sdk: typeof Sdk, options: { abortSignal: AbortSignal }) => Promise<A>;

/** Requests to S3 that are repeated for as long as their failure may pass. */
export class S3Requests {
  readonly #connection: S3Connection;
  readonly #context: Pick<Context, 'log' | 'count'>;
  readonly gate = new Gate();
  #sdk: Promise<typeof Sdk> | undefined;
  #client: Promise<Sdk.S3Client> | undefined;
  #failure: string | undefined;

  constructor(connection: S3Connection, context: Pick<Context, 'log' | 'count'>) {
    this.#connection = connection;
    this.#context = context;
  }

  /** Bytes go encrypted. */
  get isSecure(): boolean {
    const { endpoint } = this.#connection;
    return endpoint === undefined || /^https:/i.test(endpoint);
  }

  /** Why nothing is sent at the moment. */
  get failure(): string | undefined {
    return this.gate.isOpen ? undefined : this.#failure;
  }

  /**
   * Resolves with the answer. Throws RefusedError, NameTakenError and NoUploadError; AbortError once `signal` aborts. `what` completes
   * "cannot …".
   */
  async send<A>(what: string, signal: AbortSignal, request: Request<A>, attempts: Attempts = { unclear: false }): Promise<A> {
    for (;;) {
      await this.gate.pass(signal);
      try {
        const answer = await request(await this.#connected(), await this.#load(), { abortSignal: signal });
        this.gate.succeeded();
        return answer;
      } catch (error) {
        if (signal.aborted || isAbort(error)) {
          this.gate.left();
          throw signal.aborted ? signal.reason : error;
        }
        this.#judge(what, error, attempts);
      }
    }
  }

  close(): void {
    void this.#client?.then((client) => client.destroy()).catch(() => undefined);
    this.#client = undefined;
  }

  /** Returns where the request is to be made again. */
  #judge(what: string, error: unknown, attempts: Attempts): void {
    const found = failureOf(error);
    const failure = found === 'credentials' && attempts.optional === true ? 'this' : found;
    if (isUnclear(error)) attempts.unclear = true;
    if (failure === 'taken' || failure === 'no upload' || failure === 'this') {
      // The destination has answered.
      this.gate.succeeded();
      if (failure === 'taken') throw new NameTakenError(what);
      if (failure === 'no upload') throw new NoUploadError(what);
      throw new RefusedError(what, error);
    }
    this.#context.count('ConnectionFailedCount', 1);
    this.#failure = sayFailure(error);
    this.gate.failed(waitAsked(error));
    this.#context.log.warn('S3 cannot be written to; what was taken stays on disk and is sent again', {
      attempt: this.gate.failures,
      request: what,
      reason: this.#failure,
    });
    // A new client asks the chain of credentials again, and reads certificates again.
    if (failure === 'credentials' || isOfTls(error)) this.close();
  }

  #load(): Promise<typeof Sdk> {
    this.#sdk ??= import('@aws-sdk/client-s3');
    return this.#sdk;
  }

  #connected(): Promise<Sdk.S3Client> {
    this.#client ??= this.#connect().catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  async #connect(): Promise<Sdk.S3Client> {
    const { S3Client } = await this.#load();
    const { region, endpoint, pathStyle, keys, profile, caFile, callTimeoutMs, checksums } = this.#connection;
    const { Agent } = process.getBuiltinModule('node:https');
    const { createSecureContext, rootCertificates } = process.getBuiltinModule('node:tls');
    // Made once: given as `ca`, each connection would read all of them again (30 ms), and each request compare them.
    const secureContext = caFile === undefined ? undefined : createSecureContext({ ca: [...rootCertificates, certificates(caFile)] });
    return new S3Client({
      ...(region !== undefined ? { region } : endpoint !== undefined && { region: 'us-east-1' }),
      ...(endpoint !== undefined && { endpoint }),
      ...(keys && { credentials: keys }),
      ...(profile !== undefined && { profile }),
      ...(!checksums && { requestChecksumCalculation: 'WHEN_REQUIRED' as const, responseChecksumValidation: 'WHEN_REQUIRED' as const }),
      forcePathStyle: pathStyle,
      // The gate repeats.
      maxAttempts: 1,
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        socketTimeout: callTimeoutMs,
        httpsAgent: new Agent({ keepAlive: true, maxSockets: 50, ...(secureContext && { secureContext }) }),
      },
    });
  }
}

function certificates(path: string): string {
  const text = readSmallFile(path);
  if (text === undefined) throw new Error(`there are no certificates in ${path}: it is no file`);
  return text;
}
