import type { RemoteInfo, Socket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Context } from '../core/component.ts';

/** Room asked of the kernel for datagrams that were not read yet; it may grant less (`net.core.rmem_max`). */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
/** What a datagram costs besides its bytes while it waits. */
const DATAGRAM_BYTES = 256;
const DROPS_EVERY_MS = 2000;

export interface Datagram {
  readonly bytes: Buffer;
  /** IPv4 addresses as such, even where they came through an IPv6 socket. */
  readonly address: string;
  readonly port: number;
}

export interface UdpOptions {
  /** Host name or address; absent: every address of the machine, IPv6 too where there is any. */
  readonly host: string | undefined;
  /** 0 picks a free port. */
  readonly port: number;
  /** Most bytes of datagrams that wait for `received` to settle; what comes beyond is dropped. */
  readonly windowBytes: number;
  /** Called once for all datagrams that were waiting together. Their memory counts until the promise settles; it must not reject. */
  received(datagrams: readonly Datagram[]): Promise<void>;
  /** Datagrams were dropped here, because the window was full. */
  dropped(datagrams: number): void;
  /** Datagrams were dropped by the kernel, because they were not read in time. Reported now and then, where the system tells. */
  kernelDropped(datagrams: number): void;
  /** The socket failed after it was bound. */
  failed(error: Error): void;
}

/** What a source's socket tells: datagrams that were dropped are counted and said, and a socket that fails fails its source. */
export function datagramsTold(context: Pick<Context, 'count' | 'log' | 'fail'>, windowBytes: number): Pick<UdpOptions, 'windowBytes' | 'dropped' | 'kernelDropped' | 'failed'> {
  return {
    windowBytes,
    dropped(datagrams) {
      context.count('DatagramDroppedCount', datagrams);
      context.log.error('datagrams dropped: the channel does not take events as fast as they come', { windowBytes });
    },
    kernelDropped(datagrams) {
      context.count('DatagramKernelDroppedCount', datagrams);
      context.log.error('the kernel dropped datagrams that were not read in time', { datagrams });
    },
    failed: (error) => context.fail(error),
  };
}

/** A bound UDP socket. */
export interface UdpListener {
  /** `127.0.0.1:514` or `[::]:514`, as bound. */
  readonly address: string;
  /** Resolves when the socket is closed and all that was received has settled. */
  close(): Promise<void>;
}

/** Resolves once the address is bound; throws the system's error (`EADDRINUSE` …) with the address in its message. */
export async function listenUdp(options: UdpOptions): Promise<UdpListener> {
  const socket = await bind(options);
  const listener = new Listener(socket, options);
  return { address: listener.address, close: () => listener.close() };
}

/** Datagrams that the kernel dropped for the socket bound to `port`; `undefined` where the system does not say. */
export async function kernelDrops(port: number, ipv6: boolean): Promise<number | undefined> {
  const path = ipv6 ? '/proc/net/udp6' : '/proc/net/udp';
  const table = await readFile(path, 'latin1').catch(() => undefined);
  return table === undefined ? undefined : dropsInTable(table, port);
}

/** The last column of the rows whose local port it is, summed up. */
export function dropsInTable(table: string, port: number): number {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let drops = 0;
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (columns[1]?.endsWith(wanted)) drops += Number(columns.at(-1)) || 0;
  }
  return drops;
}

class Listener {
  readonly address: string;
  readonly #socket: Socket;
  readonly #options: UdpOptions;
  readonly #port: number;
  readonly #ipv6: boolean;
  readonly #open = new Set<Promise<void>>();
  readonly #dropsTimer: NodeJS.Timeout;
  #waiting: Datagram[] = [];
  #waitingBytes = 0;
  #pendingBytes = 0;
  #kernelDrops = 0;

  constructor(socket: Socket, options: UdpOptions) {
    this.#socket = socket;
    this.#options = options;
    const { address, family, port } = socket.address();
    this.#ipv6 = family === 'IPv6';
    this.#port = port;
    this.address = this.#ipv6 ? `[${address}]:${port}` : `${address}:${port}`;
    socket.on('message', (bytes, sender) => this.#received(bytes, sender));
    socket.on('error', (error) => options.failed(error));
    this.#dropsTimer = setInterval(() => void this.#countKernelDrops(), DROPS_EVERY_MS).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#dropsTimer);
    await this.#countKernelDrops();
    await new Promise<void>((resolve) => this.#socket.close(resolve));
    this.#handOn();
    await Promise.all(this.#open);
  }

  #received(bytes: Buffer, { address, port }: RemoteInfo): void {
    const cost = bytes.length + DATAGRAM_BYTES;
    if (this.#pendingBytes + this.#waitingBytes + cost > this.#options.windowBytes) return this.#options.dropped(1);
    if (this.#waiting.length === 0) setImmediate(() => this.#handOn());
    this.#waiting.push({ bytes, address: address.replace(/^::ffff:(?=[0-9.]+$)/, ''), port });
    this.#waitingBytes += cost;
  }

  #handOn(): void {
    if (this.#waiting.length === 0) return;
    const bytes = this.#waitingBytes;
    const datagrams = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#pendingBytes += bytes;
    const settled = this.#options.received(datagrams).then(() => {
      this.#pendingBytes -= bytes;
      this.#open.delete(settled);
    });
    this.#open.add(settled);
  }

  async #countKernelDrops(): Promise<void> {
    const drops = await kernelDrops(this.#port, this.#ipv6);
    if (drops === undefined || drops <= this.#kernelDrops) return;
    this.#options.kernelDropped(drops - this.#kernelDrops);
    this.#kernelDrops = drops;
  }
}

async function bind({ host, port }: UdpOptions): Promise<Socket> {
  if (host !== undefined) {
    const { address, family } = isIP(host) ? { address: host, family: isIP(host) } : await process.getBuiltinModule('node:dns/promises').lookup(host);
    return bindTo(family === 6 ? 'udp6' : 'udp4', address, port);
  }
  try {
    return await bindTo('udp6', '::', port);
  } catch (error) {
    if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return bindTo('udp4', '0.0.0.0', port);
  }
}

async function bindTo(type: 'udp4' | 'udp6', address: string, port: number): Promise<Socket> {
  const socket = process.getBuiltinModule('node:dgram').createSocket({ type });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address, port, exclusive: true }, () => {
        socket.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // The kernel's own size serves as well, with less room for bursts.
  }
  return socket;
}
