import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from '../../conformance/fakes.ts';

/** A TCP client that keeps all it is sent. */
export class TcpClient {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => (this.#received = Buffer.concat([this.#received, chunk])));
    socket.on('end', () => (this.#ended = true));
    socket.on('close', () => (this.#ended = true));
    socket.on('error', () => undefined);
  }

  static async to(address: string): Promise<TcpClient> {
    const at = address.lastIndexOf(':');
    const socket = connect({ host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)), allowHalfOpen: true });
    await once(socket, 'connect');
    return new TcpClient(socket);
  }

  get received(): Buffer {
    return this.#received;
  }

  get text(): string {
    return this.#received.toString();
  }

  /** The agent has closed its side, or reset the connection. */
  get ended(): boolean {
    return this.#ended;
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** All that was sent until `lines` lines were there. */
  async lines(lines: number): Promise<string[]> {
    await eventually(() => this.text.split('\n').length > lines, `${lines} lines of answers, got ${JSON.stringify(this.text)}`);
    return this.text.split('\n').slice(0, lines);
  }

  async untilEnded(): Promise<string> {
    await eventually(() => this.#ended, 'the connection is closed');
    return this.text;
  }
}
