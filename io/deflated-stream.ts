import { Duplex } from 'node:stream';

/**
 * The plain side of a connection on which both directions are one zlib stream each (RFC 1950), flushed after every write, as Netty's zlib
 * codec does it. `level` is 0 to 9.
 */
export class DeflatedStream extends Duplex {
  readonly #inner: Duplex;
  readonly #inflate: import('node:zlib').Inflate;
  readonly #deflate: import('node:zlib').Deflate;
  readonly #flushKind: number;

  constructor(inner: Duplex, level: number) {
    super({ allowHalfOpen: true });
    const { createDeflate, createInflate, constants } = process.getBuiltinModule('node:zlib');
    this.#inner = inner;
    this.#flushKind = constants.Z_SYNC_FLUSH;
    // Peers hang up without ending their stream.
    this.#inflate = createInflate({ chunkSize: 64 * 1024, finishFlush: constants.Z_SYNC_FLUSH });
    this.#deflate = createDeflate({ level, chunkSize: 64 * 1024 });
    const fail = (error: Error): void => void this.destroy(error);
    inner.on('error', fail);
    inner.on('close', () => this.destroy());
    this.#inflate.on('error', fail);
    this.#deflate.on('error', fail);
    this.#inflate.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) this.#inflate.pause();
    });
    this.#inflate.on('end', () => this.push(null));
    inner.pipe(this.#inflate);
    this.#deflate.pipe(inner);
  }

  override _read(): void {
    this.#inflate.resume();
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#deflate.write(bytes);
    this.#flush(done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    for (const { chunk } of chunks) this.#deflate.write(chunk);
    this.#flush(done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#deflate.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner.unpipe(this.#inflate);
    this.#inner.destroy();
    this.#inflate.destroy();
    this.#deflate.destroy();
    done(error);
  }

  #flush(done: (error?: Error | null) => void): void {
    this.#deflate.flush(this.#flushKind, () => done());
  }
}
