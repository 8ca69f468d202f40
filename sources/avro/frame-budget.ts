/**
 * Memory, in bytes, that the unfinished messages of all connections share. Once it is used up one connection may go on beyond it, so that
 * some message always gets whole; the others wait.
 */
export class FrameBudget {
  readonly #limitBytes: number;
  readonly #held = new Map<object, number>();
  readonly #waiting = new Map<object, () => void>();
  #total = 0;
  #beyond: object | undefined;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Whether `owner` may read on. */
  allows(owner: object): boolean {
    if (this.#total < this.#limitBytes || this.#beyond === owner) return true;
    if (this.#beyond !== undefined) return false;
    this.#beyond = owner;
    return true;
  }

  /** What `owner` holds now; 0 when its message is whole or it has left. */
  holds(owner: object, bytes: number): void {
    this.#total += bytes - (this.#held.get(owner) ?? 0);
    if (bytes > 0) this.#held.set(owner, bytes);
    else this.#held.delete(owner);
    if (bytes > 0 && this.#beyond === owner) return;
    if (this.#beyond === owner) this.#beyond = undefined;
    this.#wake();
  }

  whenRoom(owner: object, resume: () => void): void {
    this.#waiting.set(owner, resume);
  }

  leave(owner: object): void {
    this.#waiting.delete(owner);
    this.holds(owner, 0);
  }

  #wake(): void {
    for (const [owner, resume] of this.#waiting) {
      if (this.#total >= this.#limitBytes && this.#beyond !== undefined) return;
      this.#waiting.delete(owner);
      resume();
      // It reads, and takes what it needs, when its bytes come: the next ones find out then.
      if (this.#total >= this.#limitBytes) return;
    }
  }
}
