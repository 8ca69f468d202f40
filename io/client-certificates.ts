import { readFile, stat } from 'node:fs/promises';
import { describeError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';

/** PEM files. */
export interface ClientCertificateFiles {
  /** Who is trusted, in place of those that Node brings. */
  readonly ca?: string;
  /** Our own certificates, the one that is ours first. */
  readonly certificate?: string;
  readonly key?: string;
  readonly keyPassword?: string;
}

export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly passphrase?: string;
}

const LOOK_MS = 1000;
const DAY_MS = 86_400_000;
const WARN_DAYS = 7;

/** What a client shows and trusts, from files that may be exchanged while it runs: new ones are used from the next request on. */
export class ClientCertificates {
  readonly #files: ClientCertificateFiles;
  readonly #log: Logger;
  #material: TlsMaterial | undefined;
  #state = '';
  #lookedMs = -Infinity;

  constructor(files: ClientCertificateFiles, log: Logger) {
    this.#files = files;
    this.#log = log;
  }

  /** Throws where a file cannot be read and none was before. Expired ones are told with file and date, and shown all the same. */
  async read(): Promise<TlsMaterial> {
    const now = performance.now();
    if (this.#material && now - this.#lookedMs < LOOK_MS) return this.#material;
    this.#lookedMs = now;
    const { ca, certificate, key, keyPassword } = this.#files;
    try {
      const state = (await Promise.all([ca, certificate, key].map(stateOf))).join(' ');
      if (this.#material && state === this.#state) return this.#material;
      const [caBytes, cert, keyBytes] = await Promise.all([ca, certificate, key].map(bytesOf));
      this.#tellExpiry(ca, caBytes);
      this.#tellExpiry(certificate, cert);
      this.#state = state;
      this.#material = {
        ...(caBytes && { ca: caBytes }),
        ...(cert && { cert }),
        ...(keyBytes && { key: keyBytes }),
        ...(keyPassword !== undefined && { passphrase: keyPassword }),
      };
    } catch (error) {
      if (!this.#material) throw error;
      this.#log.warn('the files of certificates cannot be read; those read before are used', { reason: describeError(error) });
    }
    return this.#material;
  }

  #tellExpiry(file: string | undefined, bytes: Buffer | undefined): void {
    if (file === undefined || !bytes) return;
    const { X509Certificate } = process.getBuiltinModule('node:crypto');
    for (const [text] of bytes.toString('latin1').matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)) {
      const { validToDate, subject } = new X509Certificate(text);
      const facts = { file, subject: subject.replaceAll('\n', ', '), expires: validToDate.toISOString() };
      if (validToDate.getTime() < Date.now()) this.#log.error('a certificate has expired; put a new file in its place', facts);
      else if (validToDate.getTime() - Date.now() < WARN_DAYS * DAY_MS) this.#log.warn('a certificate expires soon', facts);
    }
  }
}

async function stateOf(path: string | undefined): Promise<string> {
  if (path === undefined) return '';
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs},${size},${ino}`;
}

async function bytesOf(path: string | undefined): Promise<Buffer | undefined> {
  return path === undefined ? undefined : readFile(path);
}
