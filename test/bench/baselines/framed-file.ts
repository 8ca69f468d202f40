/** The framed baseline: a record of length, CRC-32 and bytes, written at one go and synced, into one file that is written over and over. */
import { closeSync, constants, fsyncSync, openSync, writeSync } from 'node:fs';
import { fdatasync, write } from 'node:fs';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';

const FILE_BYTES = 64 * 1024 * 1024;
const HEADER_BYTES = 12;
const writeAt = promisify(write);
const sync = promisify(fdatasync);

export class FramedFile {
  readonly #descriptor: number;
  #frame: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(path: string) {
    this.#descriptor = openSync(path, constants.O_CREAT | constants.O_RDWR, 0o600);
    const zeros = Buffer.alloc(1024 * 1024);
    for (let at = 0; at < FILE_BYTES; at += zeros.length) writeSync(this.#descriptor, zeros, 0, zeros.length, at);
    fsyncSync(this.#descriptor);
  }

  /** Resolves when the events are on the disk. */
  async append(bytes: Buffer, events: number): Promise<void> {
    const length = HEADER_BYTES + bytes.length;
    if (this.#frame.length < length) this.#frame = Buffer.allocUnsafeSlow(length);
    this.#frame.writeUInt32LE(bytes.length, 0);
    this.#frame.writeUInt32LE(events, 4);
    this.#frame.writeUInt32LE(crc32(bytes), 8);
    bytes.copy(this.#frame, HEADER_BYTES);
    if (this.#position + length > FILE_BYTES) this.#position = 0;
    await writeAt(this.#descriptor, this.#frame, 0, length, this.#position);
    await sync(this.#descriptor);
    this.#position += length;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
