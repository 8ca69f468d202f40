/** Certificates for tests, made by the OpenSSL command: an authority, and whom it signs. Nothing of it is checked in, so nothing expires. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onPath } from '../servers/daemon.ts';

/** Of every store that is made here. */
export const STORE_PASSWORD = 'changeit';

/** What has to be installed; `false` when nothing is missing. */
export function certificatesAvailable(): string | false {
  return onPath('openssl') ? false : 'certificates cannot be made here: install openssl';
}

export class Authority {
  readonly folder: string;

  constructor(name = 'Test Authority') {
    this.folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
    this.#openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '3', '-subj', `/CN=${name}`);
  }

  /** PEM text with the authority's certificate: a trust store. */
  get trustPem(): string {
    return join(this.folder, 'ca.pem');
  }

  /** The certificate with its key, as PEM text and as PKCS12 store, for `hosts` (names or addresses). Expired: it ended yesterday. */
  sign(name: string, { hosts = ['localhost', '127.0.0.1'], expired = false }: { hosts?: readonly string[]; expired?: boolean } = {}): { readonly pem: string; readonly p12: string } {
    const alternatives = hosts.map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`)).join(',');
    this.#openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(join(this.folder, `${name}.ext`), `subjectAltName=${alternatives}\n`);
    const period = ['-days', expired ? '-1' : '2'];
    this.#openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', `${name}.crt`, '-extfile', `${name}.ext`, ...period);
    const pem = join(this.folder, `${name}.pem`);
    writeFileSync(pem, execFileSync('cat', [`${name}.key`, `${name}.crt`, 'ca.pem'], { cwd: this.folder }));
    const p12 = join(this.folder, `${name}.p12`);
    this.#openssl('pkcs12', '-export', '-in', `${name}.crt`, '-inkey', `${name}.key`, '-certfile', 'ca.pem', '-out', p12, '-passout', `pass:${STORE_PASSWORD}`);
    return { pem, p12 };
  }

  /** The stores of `sign` and of the authority as Java's keytool makes them, of the given type. Needs a JDK. */
  javaStores(name: string, type: 'JKS' | 'PKCS12'): { readonly keystore: string; readonly truststore: string } {
    const keystore = join(this.folder, `${name}.${type.toLowerCase()}`);
    const truststore = join(this.folder, `trust.${name}.${type.toLowerCase()}`);
    for (const path of [keystore, truststore]) rmSync(path, { force: true });
    const passwords = ['-srcstorepass', STORE_PASSWORD, '-deststorepass', STORE_PASSWORD];
    this.#run('keytool', '-importkeystore', '-noprompt', '-srckeystore', `${name}.p12`, '-srcstoretype', 'PKCS12', '-destkeystore', keystore, '-deststoretype', type, ...passwords);
    this.#run('keytool', '-importcert', '-noprompt', '-alias', 'ca', '-file', 'ca.pem', '-keystore', truststore, '-storetype', type, '-storepass', STORE_PASSWORD);
    return { keystore, truststore };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #openssl(...args: string[]): void {
    this.#run('openssl', ...args);
  }

  #run(command: string, ...args: string[]): void {
    execFileSync(command, args, { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
