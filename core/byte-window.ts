/**
 * Room, in bytes, that many readers share for what they have read and not yet handed over. Whoever finds it full stops reading and
 * leaves a call to be made when there is room; the calls are made in order, one for each piece of `stepBytes` that became free, because
 * each of them lets a reader take about that much.
 */
export class ByteWindow {
  readonly #limitBytes: number;
  readonly #stepBytes: number;
  readonly #waiting = new Set<() => void>();
  #usedBytes = 0;

  constructor(limitBytes: number, stepBytes: number) {
    this.#limitBytes = limitBytes;
    this.#stepBytes = stepBytes;
  }

  get isFull(): boolean {
    return this.#usedBytes >= this.#limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Never refuses: what was read is there. */
  take(bytes: number): void {
    this.#usedBytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
    let free = this.#limitBytes - this.#usedBytes;
    for (const resume of this.#waiting) {
      if (free <= 0) return;
      free -= this.#stepBytes;
      this.#waiting.delete(resume);
      resume();
    }
  }

  /** `resume` is called once, when there is room again; the same function waits once only. */
  whenRoom(resume: () => void): void {
    this.#waiting.add(resume);
  }

  forget(resume: () => void): void {
    this.#waiting.delete(resume);
  }
}
