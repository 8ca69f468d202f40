/** Pages in the memory of which nothing is looked at any more. */
const MOST_IDLE = 8;

/**
 * Memory for pages that are read ahead. Fresh memory is dear, and what stays until it is taken outlives the engine's looks at young objects: a
 * backlog that passes through fresh pages keeps it looking through all objects (a third of the CPU of an agent that sends on what it stores).
 */
export class PageMemory {
  readonly #idle: Buffer[] = [];
  readonly #pageBytes: number;
  readonly #isFresh: (bytes: number) => void;

  /** `isFresh` is told of pages that are allocated. */
  constructor(pageBytes: number, isFresh: (bytes: number) => void) {
    this.#pageBytes = pageBytes;
    this.#isFresh = isFresh;
  }

  /** Memory for so many bytes of a page, whatever is in it; none where that would be a waste. */
  take(bytes: number): Buffer | undefined {
    if (bytes < this.#pageBytes / 2) return undefined;
    const used = this.#idle.pop();
    if (used) return used;
    this.#isFresh(this.#pageBytes);
    return Buffer.allocUnsafeSlow(this.#pageBytes);
  }

  give(buffer: ArrayBufferLike): void {
    if (buffer.byteLength === this.#pageBytes && this.#idle.length < MOST_IDLE) this.#idle.push(Buffer.from(buffer));
  }
}

/** One page: its memory is used again once all events in it are done with, unless somebody may go on looking at one of them. */
export class Page {
  readonly #memory: PageMemory;
  readonly #buffer: ArrayBufferLike;
  #events = 0;

  constructor(memory: PageMemory, buffer: ArrayBufferLike) {
    this.#memory = memory;
    this.#buffer = buffer;
  }

  holds(events: number): void {
    this.#events += events;
  }

  /** These are done with; nobody looks at them where they were `released`. */
  done(events: number, released: boolean): void {
    this.#events = released ? this.#events - events : NaN;
    if (this.#events === 0) this.#memory.give(this.#buffer);
  }
}
