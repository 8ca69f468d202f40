import { AvroFormatError } from './cursor.ts';

/** serial, count of buffers. */
const HEAD_BYTES = 8;
const LENGTH_BYTES = 4;
/** The first two bytes of a hello of TLS. */
const TLS_HELLO = 0x1603;
/** A message of which nothing is known begins with this much memory. */
const FIRST_BYTES = 1024;

/** Up to this, memory that messages share is cheaper than some of their own. */
const SMALL_BYTES = 2 * 1024;

export interface FrameLimits {
  /** Largest message, and most memory that one connection's unfinished message takes. */
  readonly messageBytes: number;
}

/**
 * Takes frames of Avro's Netty transport apart, in whatever pieces they come:
 *
 *     frame  = int32 serial, int32 count of buffers, for each buffer: int32 length, bytes   (big-endian)
 *
 * The buffers together are one message. Memory follows the bytes that have come, never what a length announces. Throws AvroFormatError
 * once the stream cannot be understood; the connection is to be closed then.
 */
export class FrameReader {
  readonly #limits: FrameLimits;
  readonly #message: (serial: number, message: Buffer) => void;
  /** Numbers that were cut by the end of a chunk. */
  readonly #cut = Buffer.alloc(HEAD_BYTES);
  #cutBytes = 0;
  #first = true;
  #inFrame = false;
  #serial = 0;
  #buffersLeft = 0;
  /** Of the buffer that is being read. */
  #bytesLeft = 0;
  #body = Buffer.alloc(0);
  #length = 0;
  #lastLength = FIRST_BYTES;

  /** `message` is called with each whole message; it may keep the bytes. */
  constructor(limits: FrameLimits, message: (serial: number, message: Buffer) => void) {
    this.#limits = limits;
    this.#message = message;
  }

  /** Memory of the message that is not whole yet. */
  get heldBytes(): number {
    return this.#body.length;
  }

  /** Whether a frame has begun and is not whole. */
  get isInside(): boolean {
    return this.#inFrame || this.#cutBytes > 0;
  }

  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length || (this.#inFrame && this.#buffersLeft === 0 && this.#bytesLeft === 0)) {
      if (!this.#inFrame) at = this.#readHead(chunk, at);
      else if (this.#bytesLeft > 0) at = this.#readBytes(chunk, at);
      else if (this.#buffersLeft > 0) at = this.#readLength(chunk, at);
      else this.#finish();
    }
  }

  #readHead(chunk: Buffer, from: number): number {
    const at = this.#collect(chunk, from, HEAD_BYTES);
    if (this.#cutBytes < HEAD_BYTES) return at;
    this.#cutBytes = 0;
    this.#serial = this.#cut.readInt32BE(0);
    const count = this.#cut.readInt32BE(4);
    if (this.#first && this.#serial >>> 16 === TLS_HELLO) throw new AvroFormatError('the peer speaks TLS, and here is none (ssl = false)');
    this.#first = false;
    if (count < 0 || count * LENGTH_BYTES > this.#limits.messageBytes) {
      throw new AvroFormatError(`a frame announces ${count} buffers; this is no Avro RPC, or it is compressed or encrypted otherwise than here`);
    }
    this.#inFrame = true;
    this.#buffersLeft = count;
    return at;
  }

  #readLength(chunk: Buffer, from: number): number {
    const at = this.#collect(chunk, from, LENGTH_BYTES);
    if (this.#cutBytes < LENGTH_BYTES) return at;
    this.#cutBytes = 0;
    const length = this.#cut.readInt32BE(0);
    if (length < 0) throw new AvroFormatError(`a buffer of ${length} bytes is announced`);
    if (this.#length + length > this.#limits.messageBytes) {
      throw new AvroFormatError(`a message of more than ${this.#limits.messageBytes} bytes is announced`);
    }
    this.#bytesLeft = length;
    this.#buffersLeft--;
    return at;
  }

  #readBytes(chunk: Buffer, from: number): number {
    const bytes = Math.min(this.#bytesLeft, chunk.length - from);
    this.#makeRoom(bytes);
    chunk.copy(this.#body, this.#length, from, from + bytes);
    this.#length += bytes;
    this.#bytesLeft -= bytes;
    return from + bytes;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#body.length) return;
    // Messages of one connection are much alike; a little more than the last one saves the copies of growing.
    const expected = this.#length === 0 ? Math.min(this.#lastLength + (this.#lastLength >> 4), needed * 16) : 2 * this.#body.length;
    const size = Math.min(this.#limits.messageBytes, Math.max(needed, expected));
    const grown = size <= SMALL_BYTES ? Buffer.allocUnsafe(size) : Buffer.allocUnsafeSlow(size);
    this.#body.copy(grown, 0, 0, this.#length);
    this.#body = grown;
  }

  #finish(): void {
    const message = this.#body.subarray(0, this.#length);
    this.#lastLength = this.#length;
    this.#body = Buffer.alloc(0);
    this.#length = 0;
    this.#inFrame = false;
    this.#message(this.#serial, message);
  }

  /** Numbers of up to eight bytes, which a chunk may cut. */
  #collect(chunk: Buffer, from: number, wanted: number): number {
    const bytes = Math.min(wanted - this.#cutBytes, chunk.length - from);
    chunk.copy(this.#cut, this.#cutBytes, from, from + bytes);
    this.#cutBytes += bytes;
    return from + bytes;
  }
}

/** What goes in front of a message that is sent as one buffer. */
export function frameHead(serial: number, messageBytes: number): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES + LENGTH_BYTES);
  head.writeInt32BE(serial, 0);
  head.writeInt32BE(1, 4);
  head.writeInt32BE(messageBytes, 8);
  return head;
}
