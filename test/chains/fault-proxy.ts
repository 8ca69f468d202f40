/**
 * A TCP proxy between two agents that fails at a given byte of what goes through it. Each connection may have one fault, from a plan that
 * is asked when it is opened.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Fault {
  /** Which way the bytes go that are counted. */
  readonly side: 'request' | 'answer';
  /** So many bytes of the connection pass before it happens. */
  readonly at: number;
  /**
   * `cut`: both ends are closed. `reset`: both are told so by RST. `swallow`: what follows, either way, is lost, and nobody is told.
   * `late`: what follows waits `lateMs`, and arrives then even if the sender has gone away meanwhile.
   */
  readonly how: 'cut' | 'reset' | 'swallow' | 'late';
  readonly lateMs?: number;
}

export const HOWS = ['cut', 'reset', 'swallow', 'late'] as const;

export class FaultProxy {
  readonly #target: () => number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Asked for each connection; none: it is left alone. */
  plan: () => Fault | undefined = () => undefined;
  /** Faults that have happened. */
  played: Fault[] = [];
  connections = 0;
  /** Connections that `cutAll` broke. */
  cuts = 0;
  /** Late bytes that were let go. */
  released = 0;
  /** Bytes of the connection that was opened last, each way. */
  last = { request: 0, answer: 0 };

  constructor(target: number | (() => number)) {
    this.#target = typeof target === 'number' ? () => target : target;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#carry(client));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Breaks every connection now, wherever it stands. */
  cutAll(): void {
    this.cuts += this.#sockets.size / 2;
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #carry(client: Socket): void {
    const server = connect({ port: this.#target(), host: '127.0.0.1', allowHalfOpen: true });
    const fault = this.plan();
    this.connections++;
    const bytes = { request: 0, answer: 0 };
    this.last = bytes;
    // What came while the pair stands still; `undefined`: it passes.
    let held: { chunks: [Socket, Buffer][]; ends: Set<Socket> } | undefined;
    let happened = false;
    const happen = (): void => {
      if (!fault || happened) return;
      happened = true;
      this.played.push(fault);
      if (fault.how === 'cut') [client, server].forEach((socket) => socket.destroy());
      if (fault.how === 'reset') [client, server].forEach(reset);
      if (fault.how === 'cut' || fault.how === 'reset') return;
      held = { chunks: [], ends: new Set() };
      if (fault.how === 'late') {
        this.#after(fault.lateMs ?? 0, () => {
          const { chunks, ends } = held ?? { chunks: [], ends: new Set<Socket>() };
          for (const [to, chunk] of chunks) if (to.writable) to.write(chunk);
          for (const to of ends) to.end();
          late = true;
          this.released++;
        });
      }
    };
    let late = false;
    const pass = (side: Fault['side'], from: Socket, to: Socket): void => {
      const send = (chunk: Buffer): void => {
        if (held && !late) held.chunks.push([to, chunk]);
        else if (to.writable) to.write(chunk);
      };
      from.on('data', (chunk: Buffer) => {
        const left = fault?.side === side && !happened ? fault.at - bytes[side] : Infinity;
        bytes[side] += chunk.length;
        if (left >= chunk.length) return send(chunk);
        if (left > 0) to.write(chunk.subarray(0, left), happen);
        else happen();
        // A cut waits until what came before it is on its way; the rest of the chunk is lost with it.
        if (fault?.how === 'late' || fault?.how === 'swallow') {
          happen();
          send(chunk.subarray(Math.max(0, left)));
        }
      });
      from.once('end', () => (held && !late ? held.ends.add(to) : to.end()));
      // Whoever is gone is gone for both, unless the pair stands still.
      from.once('close', () => {
        if (!held || late || fault?.how === 'swallow') to.destroySoon();
        else held.ends.add(to);
      });
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
    }
    pass('request', client, server);
    pass('answer', server, client);
  }

  #after(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }
}

/** Node cannot reset a socket whose end is just being sent: it would never close, and its handle would keep the event loop busy. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
