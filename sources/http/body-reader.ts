import type { IncomingMessage } from 'node:http';

/** A body that comes more slowly than this, looked at over some seconds, is not waited for. */
const LEAST_BYTES_PER_LOOK = 5 * 1024;
const LOOK_EVERY_MS = 10_000;

/** Memory, in bytes, that the bodies of all requests share. */
export class BodyRoom {
  readonly #limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** False: there is none; nothing is taken. A single body may always go on, however large. */
  take(bytes: number, alreadyHeld: number): boolean {
    if (this.#usedBytes > alreadyHeld && this.#usedBytes + bytes > this.#limitBytes) return false;
    this.#usedBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

export interface BodyRefusal {
  readonly status: 400 | 408 | 413 | 503;
  readonly reason: string;
}

/** Reads the body of a request within limits of size, of all bodies together, and of time. */
export class BodyReader {
  readonly #request: IncomingMessage;
  readonly #mostBytes: number;
  readonly #room: BodyRoom;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(request: IncomingMessage, mostBytes: number, room: BodyRoom) {
    this.#request = request;
    this.#mostBytes = mostBytes;
    this.#room = room;
  }

  read(): Promise<Buffer | BodyRefusal> {
    const request = this.#request;
    const tooLarge: BodyRefusal = { status: 413, reason: `The body of a request may have ${this.#mostBytes} bytes (maxRequestBytes).` };
    if (Number(request.headers['content-length'] ?? 0) > this.#mostBytes) return Promise.resolve(tooLarge);
    return new Promise((resolve) => {
      let looked = 0;
      const timer = setInterval(() => {
        if (this.#length - looked < LEAST_BYTES_PER_LOOK) end({ status: 408, reason: 'The body comes too slowly.' });
        looked = this.#length;
      }, LOOK_EVERY_MS);
      const end = (result: Buffer | BodyRefusal): void => {
        clearInterval(timer);
        request.removeAllListeners('data');
        request.pause();
        resolve(result);
      };
      request.on('data', (chunk: Buffer) => {
        if (this.#length + chunk.length > this.#mostBytes) return end(tooLarge);
        if (!this.#room.take(chunk.length, this.#length)) return end({ status: 503, reason: 'Too many requests are being read; send it again later.' });
        this.#length += chunk.length;
        this.#chunks.push(chunk);
      });
      request.once('end', () => end(Buffer.concat(this.#chunks, this.#length)));
      request.once('error', (error) => end({ status: 400, reason: error.message }));
      request.once('close', () => end({ status: 400, reason: 'The connection was closed.' }));
    });
  }

  /** The body is not needed any more. */
  release(): void {
    this.#room.giveBack(this.#length);
    this.#length = 0;
    this.#chunks = [];
  }
}
