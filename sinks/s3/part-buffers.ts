import { chunkWasRead } from '../../io/read-memory.ts';

/** Buffers for what is on its way to S3: so many at a time, whatever waits; those of full size are used again. */
export class PartBuffers {
  readonly #bytes: number;
  #free: number;
  readonly #spare: Buffer[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor(count: number, bytes: number) {
    this.#free = count;
    this.#bytes = bytes;
  }

  /** At least as long as `most` or a part. Waits for a turn. */
  async take(most = this.#bytes): Promise<Buffer> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (most < this.#bytes / 4) return Buffer.allocUnsafeSlow(Math.max(1, most));
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  /** `sent`: nobody looks at the buffer any more. */
  giveBack(buffer: Buffer, sent: boolean): void {
    if (sent && buffer.length === this.#bytes) this.#spare.push(buffer);
    else chunkWasRead(buffer.length);
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
