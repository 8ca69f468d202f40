import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A client of a netcat source that keeps what it is answered, and whose failures are its own. */
export class TcpClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #text = '';

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('error', () => undefined);
    this.socket.setEncoding('latin1').on('data', (text: string) => (this.#text += text));
    this.socket.once('end', () => this.socket.end());
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  /** Resolves once connected, or closed. */
  static async to(port: number): Promise<TcpClient> {
    const client = new TcpClient(port);
    await Promise.race([once(client.socket, 'connect').catch(() => undefined), client.closed]);
    return client;
  }

  get text(): string {
    return this.#text;
  }

  get answers(): string[] {
    return this.#text === '' ? [] : this.#text.replace(/\n$/, '').split('\n');
  }

  get isClosed(): boolean {
    return this.socket.closed;
  }

  /** Sends as fast as it is taken. Resolves `false` if the rest had to be given up because nothing was taken for `patienceMs`. */
  async send(bytes: string | Buffer, patienceMs = 10_000): Promise<boolean> {
    if (this.socket.write(bytes)) return true;
    return Promise.race([
      once(this.socket, 'drain').then(() => true, () => false),
      this.closed.then(() => false),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), patienceMs).unref()),
    ]);
  }
}

/** One exchange with a netcat source: sends the lines, ends, resolves with all that was answered. */
export async function exchange(port: number, text: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('error', () => undefined);
  socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
  socket.end(text);
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return answer;
}
