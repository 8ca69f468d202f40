/**
 * Hosts as network namespaces, joined by veth pairs. The test's own namespace is the first host: `run.ts` enters one that has nothing but
 * loopback, and mounts that end with its processes, so that nothing leaves it and nothing is left behind, even after SIGKILL.
 */
import { execFileSync } from 'node:child_process';
import type { Host } from './chain.ts';

/** Why there can be none here; `false` when they can. */
export const hostsMissing = process.env['MILLRACE_HOSTS'] === '1' ? false : 'run them by npm run test:chains, as root, with iproute2 and nftables';

/** What can be done to the packets that come over a link; each takes the place of the one before. */
export type Weather = { readonly lose: number } | { readonly kbits: number } | 'down' | 'hole' | 'clear';

let links = 0;

export class Link {
  /** The second host's address on it. */
  readonly address: string;
  readonly #from: Host;
  readonly #to: Host;
  readonly #near: string;
  readonly #far: string;
  #isNarrow = false;

  constructor(from: string | undefined, to: string) {
    const number = ++links;
    this.#from = hostOf(from);
    this.#to = hostOf(to);
    this.#near = `near${number}`;
    this.#far = `far${number}`;
    this.address = `10.77.${number}.2`;
    on(this.#from, 'ip', 'link', 'add', this.#near, 'type', 'veth', 'peer', 'name', this.#far, 'netns', to);
    on(this.#from, 'ip', 'addr', 'add', `10.77.${number}.1/24`, 'dev', this.#near);
    on(this.#to, 'ip', 'addr', 'add', `${this.address}/24`, 'dev', this.#far);
    for (const [host, device] of this.#ends) {
      on(host, 'ip', 'link', 'set', device, 'up');
      on(host, 'nft', 'add', 'table', 'inet', device);
      on(host, 'nft', `add chain inet ${device} in { type filter hook input priority 0; }`);
    }
  }

  /** `hole`: what is sent vanishes. `lose`: so many packets of a hundred do, each way. `kbits`: so many thousand bits go through in a second. */
  weather(weather: Weather): void {
    on(this.#from, 'ip', 'link', 'set', this.#near, weather === 'down' ? 'down' : 'up');
    for (const [host, device] of this.#ends) {
      on(host, 'nft', 'flush', 'chain', 'inet', device, 'in');
      if (this.#isNarrow) on(host, 'tc', 'qdisc', 'del', 'dev', device, 'root');
      if (weather === 'hole') on(host, 'nft', `add rule inet ${device} in iifname ${device} drop`);
      if (typeof weather === 'object' && 'lose' in weather) on(host, 'nft', `add rule inet ${device} in iifname ${device} numgen random mod 100 < ${weather.lose} drop`);
      if (typeof weather === 'object' && 'kbits' in weather) on(host, 'tc', 'qdisc', 'replace', 'dev', device, 'root', 'tbf', 'rate', `${weather.kbits}kbit`, 'burst', '16kb', 'latency', '400ms');
    }
    this.#isNarrow = typeof weather === 'object' && 'kbits' in weather;
  }

  get #ends(): readonly (readonly [Host, string])[] {
    return [[this.#from, this.#near], [this.#to, this.#far]];
  }
}

/** Makes the namespace `name`, and what runs an agent in it. */
export function addHost(name: string): Host {
  execFileSync('ip', ['netns', 'add', name]);
  on(hostOf(name), 'ip', 'link', 'set', 'lo', 'up');
  return hostOf(name);
}

function hostOf(name: string | undefined): Host {
  return name === undefined ? [] : ['ip', 'netns', 'exec', name];
}

function on(host: Host, ...command: readonly string[]): void {
  const [program = '', ...args] = [...host, ...command];
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
