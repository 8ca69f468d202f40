/**
 * A TCP proxy that carries requests to a server and can lose the answers: the server has done what was asked, and nobody hears of it. It
 * can also stand still in the middle of a request.
 */

import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class CuttingProxy {
  readonly #target: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Answers to lose from now on; each ends its connection. */
  cuts = 0;
  /** Answers that were lost. */
  cut = 0;
  /** Bytes that still go to the server; what comes after them is held back until there is room again. */
  room = Infinity;

  constructor(targetPort: number) {
    this.#target = targetPort;
    this.#server = createServer((client) => this.#carry(client));
  }

  async start(address = '127.0.0.1', port = 0): Promise<this> {
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(port, address, resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #carry(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1');
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
    }
    client.on('data', (chunk: Buffer) => {
      if (this.room >= chunk.length) server.write(chunk);
      this.room -= chunk.length;
    });
    client.once('end', () => server.end());
    server.on('data', (chunk) => {
      if (this.cuts <= 0) {
        client.write(chunk);
        return;
      }
      this.cuts--;
      this.cut++;
      client.destroy();
      server.destroy();
    });
    client.once('close', () => server.destroy());
    server.once('close', () => client.end());
  }
}
