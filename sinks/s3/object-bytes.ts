import { chunkWasRead } from '../../io/read-memory.ts';
import type { Compression } from './settings.ts';
import type { ObjectReader } from './object-reader.ts';

const READ_BYTES = 1024 * 1024;

/** The bytes of an object as they are sent, buffer by buffer. */
export interface ObjectBytes {
  /** Fills `into`, less only at the end; answers with how many bytes. */
  fill(into: Buffer): Promise<number>;
  /** CRC-32 of what the last `fill` gave. */
  readonly filledCrc: number;
  /** Lets go of what was not read. */
  end(): void;
}

export function bytesOf(reader: ObjectReader, compression: Compression): ObjectBytes {
  if (compression === 'none') {
    return {
      fill: (into) => reader.fill(into),
      get filledCrc() {
        return reader.filledCrc;
      },
      end: () => undefined,
    };
  }
  return new CompressedBytes(reader, compression);
}

class CompressedBytes implements ObjectBytes {
  readonly #stream: import('node:stream').Transform;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;
  filledCrc = 0;

  constructor(reader: ObjectReader, compression: 'gzip' | 'zstd') {
    const { createGzip, createZstdCompress } = process.getBuiltinModule('node:zlib');
    const { pipeline } = process.getBuiltinModule('node:stream');
    const chunkSize = 256 * 1024;
    this.#stream = compression === 'gzip' ? createGzip({ chunkSize }) : createZstdCompress({ chunkSize });
    pipeline(read(reader), this.#stream, () => undefined);
    this.#chunks = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async fill(into: Buffer): Promise<number> {
    let at = 0;
    while (at < into.length) {
      if (this.#rest.length === 0) {
        if (this.#ended) break;
        const { value, done } = await this.#chunks.next();
        if (done === true) {
          this.#ended = true;
          break;
        }
        this.#rest = value;
      }
      const copied = this.#rest.copy(into, at);
      at += copied;
      this.#rest = this.#rest.subarray(copied);
    }
    this.filledCrc = process.getBuiltinModule('node:zlib').crc32(into.subarray(0, at));
    return at;
  }

  end(): void {
    this.#stream.destroy();
  }
}

/** A fresh buffer each time: the stream keeps what it was given. */
async function* read(reader: ObjectReader): AsyncGenerator<Buffer> {
  for (;;) {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const bytes = await reader.fill(buffer);
    chunkWasRead(READ_BYTES);
    if (bytes > 0) yield buffer.subarray(0, bytes);
    if (bytes < READ_BYTES) return;
  }
}
