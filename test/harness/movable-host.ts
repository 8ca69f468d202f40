/**
 * A host name whose address a test decides, for an agent that runs: `target.test` is 127.0.0.2 or 127.0.0.3, behind which a proxy carries
 * everything to a server, or is not known at all. The agent looks names up as always; a few lines in front of it answer for this one.
 *
 *     const host = await MovableHost.before(serverPort, folder);
 *     await startAgent({ conf: `… ${host.url} …`, env: host.env });
 *     await host.moveTo('127.0.0.3');
 *     await host.vanish();
 */

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../servers/daemon.ts';
import { CuttingProxy } from './cutting-proxy.ts';

const NAME = 'target.test';
export type Address = '127.0.0.2' | '127.0.0.3';

export class MovableHost {
  readonly #target: number;
  readonly #port: number;
  readonly #folder: string;
  #proxy: CuttingProxy | undefined;

  private constructor(target: number, port: number, folder: string) {
    this.#target = target;
    this.#port = port;
    this.#folder = folder;
  }

  /** In front of a server on 127.0.0.1, at first at 127.0.0.2. */
  static async before(target: number, folder: string): Promise<MovableHost> {
    const host = new MovableHost(target, await freePort(), folder);
    writeFileSync(host.#preload, preloadOf(host.#addressFile));
    await host.moveTo('127.0.0.2');
    return host;
  }

  get url(): string {
    return `http://${NAME}:${this.#port}`;
  }

  /** For the agent. */
  get env(): Record<string, string> {
    return { NODE_OPTIONS: `--import=${this.#preload}` };
  }

  /** Nothing answers at the old address any more; what was connected there is cut. */
  async moveTo(address: Address): Promise<void> {
    await this.#proxy?.stop();
    this.#proxy = await new CuttingProxy(this.#target).start(address, this.#port);
    this.#tell(address);
  }

  /** The name is not known any more. */
  async vanish(): Promise<void> {
    this.#tell('');
    await this.stop();
  }

  async stop(): Promise<void> {
    await this.#proxy?.stop();
    this.#proxy = undefined;
  }

  get #addressFile(): string {
    return join(this.#folder, 'address');
  }

  get #preload(): string {
    return join(this.#folder, 'names.mjs');
  }

  #tell(address: string): void {
    writeFileSync(`${this.#addressFile}.new`, address);
    renameSync(`${this.#addressFile}.new`, this.#addressFile);
  }
}

function preloadOf(addressFile: string): string {
  return `import dns from 'node:dns';
import { readFileSync } from 'node:fs';
const { lookup } = dns;
dns.lookup = (name, options, done) => {
  if (name !== ${JSON.stringify(NAME)}) return lookup(name, options, done);
  const answer = done ?? options;
  const address = readFileSync(${JSON.stringify(addressFile)}, 'utf8');
  process.nextTick(() => {
    if (address === '') answer(Object.assign(new Error('getaddrinfo ENOTFOUND ' + name), { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name }));
    else if (options.all) answer(null, [{ address, family: 4 }]);
    else answer(null, address, 4);
  });
};
`;
}
