import { isIP } from 'node:net';
import { describeError } from '../../core/errors.ts';
import { StoreError, type FileStore, type Outcome } from './file-store.ts';
import { WebHdfsError, type WebHdfsClient } from './webhdfs-client.ts';

/** DataNodes that cannot be reached are left out of the next question, so many at most. */
const MOST_DATA_NODES = 4;
/** Another NameNode may answer: this one is no longer, or not yet, the active one. */
const NOT_ACTIVE = new Set(['StandbyException', 'RetriableException']);
/** Names that no file can have. */
const IMPOSSIBLE = new Set(['InvalidPathException', 'FSLimitException$PathComponentTooLongException', 'PathComponentTooLongException']);
/** Answers of the DataNode that come before it has taken a byte. */
const REFUSED_BEFORE_BYTES = new Set([
  'SafeModeException',
  'AccessControlException',
  'AlreadyBeingCreatedException',
  'RecoveryInProgressException',
  'AuthorizationException',
  'InvalidToken',
  'SecretManager$InvalidToken',
  'NSQuotaExceededException',
  'ParentNotDirectoryException',
]);

/** Files of an HDFS, asked at whichever of its NameNodes answers. */
export class WebHdfsStore implements FileStore {
  readonly address: string;
  readonly #clients: readonly WebHdfsClient[];
  readonly #parameters: Readonly<Record<string, string | number | boolean>>;
  readonly #close: () => void;
  #current = 0;

  /** `parameters` go with each new file: replication, block size. */
  constructor(clients: readonly WebHdfsClient[], parameters: Readonly<Record<string, string | number>>, close: () => void) {
    this.#clients = clients;
    this.#parameters = { overwrite: false, permission: '644', ...parameters };
    this.#close = close;
    this.address = clients.map((client) => client.address).join(', ');
  }

  /** HDFS takes no colon in a name. */
  allowed(path: string): string {
    return path.replaceAll(':', '%3A');
  }

  create(path: string, bytes: Buffer, signal: AbortSignal): Promise<void> {
    return this.#write('create', path, bytes, signal);
  }

  append(path: string, _length: number, bytes: Buffer, signal: AbortSignal): Promise<void> {
    return this.#write('append', path, bytes, signal);
  }

  length(path: string): Promise<number | undefined> {
    return this.#ask(`asking for the length of ${path}`, (client) => client.length(path));
  }

  head(path: string, most: number): Promise<Buffer> {
    return this.#ask(`reading ${path}`, (client) => client.read(path, most));
  }

  async cut(path: string, length: number): Promise<boolean> {
    return this.#ask(`cutting ${path} back to ${length} bytes`, (client) => client.truncate(path, length));
  }

  async rename(from: string, to: string): Promise<boolean> {
    const what = `renaming ${from} to ${to}`;
    let failure: unknown;
    try {
      if (await this.#ask(what, (client) => client.rename(from, to))) return true;
    } catch (error) {
      failure = error;
    }
    // An answer that was lost, and one of "false", look the same from here: what is there decides.
    const [source, target] = [await this.length(from), await this.length(to)];
    if (source === undefined && target !== undefined) return true;
    if (source === undefined) throw new StoreError('gone', `${what}: the file is not there any more`, { cause: failure });
    if (failure === undefined && target !== undefined) return false;
    throw failure ?? new StoreError('not stored', `${what}: the file system does not do it and does not say why`);
  }

  remove(path: string): Promise<void> {
    return this.#ask(`removing ${path}`, (client) => client.remove(path));
  }

  close(): void {
    this.#close();
  }

  async #write(operation: 'create' | 'append', path: string, bytes: Buffer, signal: AbortSignal): Promise<void> {
    const excluded: string[] = [];
    const what = `${operation === 'create' ? 'creating' : 'adding to'} ${path}`;
    for (;;) {
      const parameters = {
        ...(operation === 'create' ? this.#parameters : {}),
        ...(excluded.length > 0 && { excludedatanodes: excluded.join(',') }),
      };
      try {
        return await this.#ask(what, (client) => client.write(operation, path, bytes, parameters, signal));
      } catch (error) {
        const cause = error instanceof StoreError ? error.cause : error;
        const unreachable = cause instanceof WebHdfsError && cause.neverSent ? cause.dataNode : undefined;
        // The NameNode hears of a dead DataNode late: asked again, it names another one.
        if (unreachable === undefined || excluded.includes(unreachable) || excluded.length === MOST_DATA_NODES) throw error;
        excluded.push(unreachable);
      }
    }
  }

  /** Asks the NameNode that answered last, then the others. */
  async #ask<T>(what: string, call: (client: WebHdfsClient) => Promise<T>): Promise<T> {
    const failures: string[] = [];
    for (let tries = 0; ; tries++) {
      const client = this.#clients[this.#current % this.#clients.length] as WebHdfsClient;
      try {
        return await call(client);
      } catch (error) {
        failures.push(`${client.address}${error instanceof WebHdfsError && error.dataNode !== undefined ? `, DataNode ${error.dataNode}` : ''}: ${describeError(error)}`);
        const next = isAnothers(error) && tries + 1 < this.#clients.length;
        if (isAnothers(error)) this.#current++;
        if (!next) throw new StoreError(outcomeOf(error), `${what} failed: ${failures.join('; ')}`, { cause: error });
      }
    }
  }
}

/** Whether another NameNode may do what this one did not, without doing it twice. */
function isAnothers(error: unknown): boolean {
  if (!(error instanceof WebHdfsError)) return false;
  if (NOT_ACTIVE.has(error.reason)) return true;
  // Before the redirection nothing was changed, whatever happened.
  return error.dataNode === undefined && (error.status === 0 || error.status >= 500) && error.reason !== 'aborted';
}

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof WebHdfsError)) return 'unclear';
  if (error.reason === 'FileAlreadyExistsException') return 'exists';
  if (error.reason === 'FileNotFoundException') return 'gone';
  if (IMPOSSIBLE.has(error.reason)) return 'impossible';
  if (error.dataNode === undefined || error.neverSent || REFUSED_BEFORE_BYTES.has(error.reason)) return 'not stored';
  return 'unclear';
}

/**
 * Why the bytes, and a token with them, must not go where a NameNode at `nameNode` sends them. DataNodes are other hosts by nature:
 * without a list of them, what is refused is a change to a less safe protocol and the addresses that lead back into a machine.
 */
export function redirectionRefusal(nameNode: URL, location: URL, allowed: readonly string[]): string | undefined {
  const host = location.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (location.protocol !== nameNode.protocol) return `${location.protocol}//${location.host} has another protocol than ${nameNode.protocol}//${nameNode.host}`;
  if (host === nameNode.hostname.toLowerCase()) return undefined;
  if (allowed.length > 0) {
    const listed = allowed.some((pattern) => (pattern.startsWith('*.') ? host.endsWith(pattern.slice(1).toLowerCase()) : host === pattern.toLowerCase()));
    return listed ? undefined : `${location.host} is not in hdfs.dataNodeHosts`;
  }
  if (isLoopback(host) && !isLoopback(nameNode.hostname)) return `${location.host} is this machine, and the NameNode is not`;
  if (isLinkLocal(host)) return `${location.host} is an address of the link, which no DataNode has`;
  return undefined;
}

function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  return name === 'localhost' || name.endsWith('.localhost') || (isIP(name) === 4 && (name.startsWith('127.') || name === '0.0.0.0')) || name === '::1' || name === '::' || name.startsWith('::ffff:7f');
}

function isLinkLocal(host: string): boolean {
  return (isIP(host) === 4 && host.startsWith('169.254.')) || /^fe[89ab]/.test(host) || host.startsWith('::ffff:a9fe');
}
