import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Account } from './account.ts';
import type { Collector } from './referee.ts';
import { splitLines } from './rolled-files.ts';

/** Listens, and takes each line that comes over any connection. */
export class TcpCollector implements Collector {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #lines: Buffer[] = [];
  #torn: Buffer[] = [];

  constructor() {
    this.#server = createServer((socket) => {
      let parts: Buffer[] = [];
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => (parts = splitLines(chunk, parts, (line) => this.#lines.push(line))));
      socket.on('close', () => {
        this.#sockets.delete(socket);
        if (parts.length > 0) this.#torn.push(Buffer.concat(parts));
      });
    });
  }

  /** The port; a free one unless one is asked for. */
  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async look(account: Account): Promise<'more'> {
    const lines = this.#lines;
    this.#lines = [];
    for (const line of lines) account.see(line);
    return 'more';
  }

  reset(): void {
    throw new Error('what came over TCP cannot be looked at again');
  }

  finish(account: Account): void {
    for (const part of this.#torn) account.seeTorn(part);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
