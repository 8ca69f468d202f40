/** What is kept comes in multiples of this, so that copies of about one size fit where others lay. */
const STEP_BYTES = 32 * 1024;
/** A copy below this is not worth keeping memory for, one above MOST_BYTES keeps too much. */
const LEAST_BYTES = 64 * 1024;
const MOST_BYTES = 2 * 1024 * 1024;
const MOST_IDLE = 4;

/**
 * Memory for copies that are looked at for some milliseconds. Fresh memory is dear, and a copy that waits for its turn outlives the engine's
 * looks at young objects, so that it looks through all of them again and again.
 */
export class SpareMemory {
  readonly #idle: ArrayBufferLike[] = [];

  /** So many bytes, with anything in them. */
  take(bytes: number): Buffer {
    if (bytes < LEAST_BYTES || bytes > MOST_BYTES) return Buffer.allocUnsafeSlow(bytes);
    const fitting = this.#idle.findIndex(({ byteLength }) => byteLength >= bytes);
    const [used] = fitting < 0 ? [] : this.#idle.splice(fitting, 1);
    return Buffer.from(used ?? Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES).buffer, 0, bytes);
  }

  /** Nobody looks at what was taken any more. */
  give({ buffer }: Buffer): void {
    if (buffer.byteLength < LEAST_BYTES || buffer.byteLength > MOST_BYTES) return;
    this.#idle.push(buffer);
    // Sizes change with what passes through.
    if (this.#idle.length > MOST_IDLE) this.#idle.shift();
  }
}
