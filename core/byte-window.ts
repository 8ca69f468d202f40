/**
 * Room, in bytes, that many readers share for what they have read and not yet handed over. Whoever finds it full stops reading and
 * leaves a call to be made when there is room. The calls are made in the order in which they were left, and no more of them than
 * there is room for: a reader that already holds what it could not hand over takes its room inside the call. One that takes none has
 * nothing to read, and does not keep the next one waiting.
 */
export class ByteWindow {
  readonly #limitBytes: number;
  readonly #waiting = new Set<() => void>();
  readonly #reading = new Set<() => void>();
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get isFull(): boolean {
    return this.#usedBytes >= this.#limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Never refuses: what was read is there. Holds everybody else who reads once the room is used up. */
  take(bytes: number): void {
    this.#usedBytes += bytes;
    if (this.isFull) this.holdAll();
  }

  /** Holds everybody who reads, for another reason than room; `giveBack(0)` lets them go on. */
  holdAll(): void {
    if (this.#reading.size === 0) return;
    const reading = [...this.#reading];
    this.#reading.clear();
    for (const hold of reading) hold();
  }

  /** `hold` is called once, when the room is used up: many readers would else bring a piece each before they find out. */
  whenFull(hold: () => void): void {
    this.#reading.add(hold);
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
    // Not those that come to wait again meanwhile: the calls of this moment are as many as there are now.
    for (let left = this.#waiting.size; left > 0 && !this.isFull; left--) {
      const [resume] = this.#waiting;
      if (!resume) return;
      this.#waiting.delete(resume);
      resume();
    }
  }

  /** `resume` is called once, when there is room again; the same function waits once only. */
  whenRoom(resume: () => void): void {
    this.#waiting.add(resume);
  }

  forget(call: () => void): void {
    this.#waiting.delete(call);
    this.#reading.delete(call);
  }
}
