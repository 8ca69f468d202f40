import { stat } from 'node:fs/promises';
import type { X509Certificate } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { clientContext, serverContext, type StoreOptions } from './contexts.ts';
import { certificateName, clientReason, serverReason } from './reasons.ts';
import type { TlsLists } from './tls-names.ts';

export interface TlsStoresOptions {
  readonly keystore: StoreOptions | undefined;
  readonly truststore: StoreOptions | undefined;
  readonly lists: TlsLists;
  readonly log: Logger;
  /** Least time between two looks at the files for new connections; absent: a second. */
  readonly lookMs?: number;
}

const LOOK_MS = 1000;
/** Without new connections the files are looked at all the same: a bad one shall be known before it is needed. */
const IDLE_LOOK_MS = 10_000;
const WARN_MS = 7 * 86_400_000;

/**
 * Key store and trust store of a component. They may be exchanged while it runs: new connections get what the files hold then. Files that
 * cannot be used leave in force what was read before, and are told once.
 */
export class TlsStores {
  readonly #options: TlsStoresOptions;
  readonly #make: () => Promise<SecureContext>;
  readonly #isServer: boolean;
  readonly #timer: NodeJS.Timeout;
  #context: SecureContext;
  #state: string;
  /** What the files were when they could not be used, once that was told. */
  #refused = '';
  #own: X509Certificate | undefined;
  #told = '';
  #lookedMs = performance.now();
  #looking: Promise<void> | undefined;

  /** For a listener; with a trust store, to ask clients for certificates. Throws where the stores cannot be used. */
  static async forServer(options: TlsStoresOptions & { readonly keystore: StoreOptions }): Promise<TlsStores> {
    return TlsStores.#open(options, () => serverContext(options.keystore, options.lists, options.truststore), true);
  }

  /** Throws where the stores cannot be used. */
  static async forClient(options: TlsStoresOptions): Promise<TlsStores> {
    return TlsStores.#open(options, () => clientContext(options.truststore, options.lists, options.keystore), false);
  }

  static async #open(options: TlsStoresOptions, make: () => Promise<SecureContext>, isServer: boolean): Promise<TlsStores> {
    // Files that are exchanged while they are read differ from this at the next look.
    const state = await stateOf(options);
    return new TlsStores(options, make, isServer, await make(), state);
  }

  private constructor(options: TlsStoresOptions, make: () => Promise<SecureContext>, isServer: boolean, context: SecureContext, state: string) {
    this.#options = options;
    this.#make = make;
    this.#isServer = isServer;
    this.#context = context;
    this.#state = state;
    this.#own = ownCertificate(context);
    this.#tellExpiry();
    this.#timer = setInterval(() => void this.context(), IDLE_LOOK_MS).unref();
  }

  /** For the next connection. Never rejects. */
  async context(): Promise<SecureContext> {
    if (this.#looking || performance.now() - this.#lookedMs >= (this.#options.lookMs ?? LOOK_MS)) await (this.#looking ??= this.#look());
    return this.#context;
  }

  /** Why a connection failed, in terms of these files, and what to do. `shown`: the peer's certificate in DER. */
  explain(error: unknown, shown?: Buffer): Error {
    const reason = (this.#isServer ? serverReason : clientReason)(error as Error, {
      keystore: this.#options.keystore?.path,
      truststore: this.#options.truststore?.path,
      own: this.#own,
      peer: certificateOf(shown),
    });
    return reason === undefined ? (error as Error) : new Error(reason);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const { log, keystore, truststore } = this.#options;
    const files = [keystore?.path, truststore?.path].filter((path) => path !== undefined).join(', ');
    const state = await stateOf(this.#options);
    try {
      if (state !== this.#state) {
        this.#context = await this.#make();
        this.#state = state;
        this.#own = ownCertificate(this.#context);
        log.info('certificates were exchanged: new connections use what the files hold now', { files });
      }
      this.#refused = '';
      this.#tellExpiry();
    } catch (error) {
      // Tried again at each look, for the reason may be another than the file.
      if (state !== this.#refused) log.error('certificates were exchanged for what cannot be used; new connections use those read before until the files are mended', { files, reason: describeError(error) });
      this.#refused = state;
    } finally {
      this.#lookedMs = performance.now();
      this.#looking = undefined;
    }
  }

  /** Once when it is near and once when it is there. */
  #tellExpiry(): void {
    const { log, keystore } = this.#options;
    if (!this.#own) return;
    const until = this.#own.validToDate;
    const leftMs = until.getTime() - Date.now();
    const what = leftMs < 0 ? 'expired' : leftMs < WARN_MS ? 'near' : '';
    const told = `${what} ${this.#own.fingerprint256}`;
    if (what === '' || told === this.#told) return;
    this.#told = told;
    const facts = { file: keystore?.path ?? '', certificate: certificateName(this.#own), expires: until.toISOString() };
    if (what === 'expired') log.error('our certificate has expired: put a renewed one in place of the file, no restart is needed', facts);
    else log.warn('our certificate expires soon: put a renewed one in place of the file, no restart is needed', facts);
  }
}

/** Changes with the files: what cannot be looked at is a state as well. */
async function stateOf({ keystore, truststore }: TlsStoresOptions): Promise<string> {
  const states = [keystore, truststore].map(async (store) => {
    if (!store) return '';
    try {
      const { ino, size, mtimeMs, ctimeMs } = await stat(store.path);
      return `${ino},${size},${mtimeMs},${ctimeMs}`;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? '';
    }
  });
  return (await Promise.all(states)).join(' ');
}

/** Node tells it of its own contexts only by what is inside. */
function ownCertificate(context: SecureContext): X509Certificate | undefined {
  const { getCertificate } = context.context as { getCertificate?(): Buffer | null };
  return certificateOf(getCertificate?.call(context.context));
}

function certificateOf(der: Buffer | null | undefined): X509Certificate | undefined {
  return der ? new (process.getBuiltinModule('node:crypto').X509Certificate)(der) : undefined;
}
