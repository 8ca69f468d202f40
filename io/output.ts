/** Held at most while the reader is slow, in UTF-16 units and bytes. */
const MOST_HELD = 1 << 20;
/** Below this, `ready` resolves. */
const ROOM_BELOW = MOST_HELD / 4;
/** Pauses between attempts while the reader takes nothing. */
const RETRY = { firstMs: 1, mostMs: 100 };
/** Pause after an error that may pass, such as a full disk. */
const FAILED_RETRY_MS = 1000;
const MAY_PASS: ReadonlySet<string | undefined> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EINTR',
  'EIO',
  'EROFS',
  'ESTALE',
  'EMFILE',
  'ENFILE',
  'EACCES',
  'ENOENT',
]);

const NOTHING = Buffer.alloc(0);
const DONE = Promise.resolve();

/** Where the bytes of an `Output` go. */
export interface OutputTarget {
  /** Writes what can be written without waiting; the number of bytes, 0 to be asked again later. Throws what the system said. */
  write(bytes: Buffer): number | Promise<number>;
  /** The same at the end of the process, when nothing can be awaited any more. */
  writeNow(bytes: Buffer): number;
  close(): void;
}

/**
 * Text on its way to a reader that may be slow or gone, without ever holding up the event loop: written at the end of the turn in
 * which it came, held up to 1 MB while the reader takes nothing, and dropped and counted beyond that. Once the reader is gone (EPIPE)
 * everything is dropped.
 */
export class Output {
  readonly #target: OutputTarget;
  readonly #note: (dropped: number) => string;
  #texts: string[] = [];
  #textsLength = 0;
  /** What the target was last offered and has not taken. */
  #chunk: Buffer = NOTHING;
  #dropped = 0;
  #droppedUntold = 0;
  #gone = false;
  #closing = false;
  #scheduled = false;
  #writing = false;
  #retryMs = RETRY.firstMs;
  #timer: NodeJS.Timeout | undefined;
  #waiters: (() => void)[] = [];

  /** `note` makes the line that says, once there is room again, how many texts were dropped. */
  constructor(target: OutputTarget, note: (dropped: number) => string = () => '') {
    this.#target = target;
    this.#note = note;
  }

  /** Texts that were given up. */
  get dropped(): number {
    return this.#dropped;
  }

  write(text: string): void {
    const held = this.#held();
    if (this.#gone || (held > 0 && held + text.length > MOST_HELD)) {
      this.#dropped++;
      this.#droppedUntold++;
      return;
    }
    if (this.#droppedUntold > 0) {
      const note = this.#note(this.#droppedUntold);
      this.#droppedUntold = 0;
      this.#hold(note);
    }
    this.#hold(text);
    if (this.#scheduled || this.#timer || this.#writing) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Resolves once there is room; at once if there is, or if the reader is gone. */
  ready(): Promise<void> {
    if (this.#gone || this.#held() < ROOM_BELOW) return DONE;
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Writes what is held for at most `deadlineMs`, then closes the target. Calls after the first do nothing. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#timer?.ref();
    const until = process.uptime() * 1000 + deadlineMs;
    this.#flush();
    while (this.#held() > 0 && !this.#gone && process.uptime() * 1000 < until) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    this.#end();
    this.#target.close();
  }

  /** Writes what can be written at once; for the end of a process that cannot wait. */
  flushNow(): void {
    try {
      while (!this.#gone && !this.#writing && this.#fill()) {
        const written = this.#target.writeNow(this.#chunk);
        this.#chunk = this.#chunk.subarray(written);
        if (written === 0) return;
      }
    } catch {
      // The process ends; there is nobody to tell.
    }
  }

  #held(): number {
    return this.#textsLength + this.#chunk.length;
  }

  #hold(text: string): void {
    this.#texts.push(text);
    this.#textsLength += text.length;
  }

  /** Whether there is something to offer. */
  #fill(): boolean {
    if (this.#chunk.length === 0 && this.#texts.length > 0) {
      this.#chunk = Buffer.from(this.#texts.join(''));
      this.#texts = [];
      this.#textsLength = 0;
    }
    return this.#chunk.length > 0;
  }

  #flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      while (!this.#gone && !this.#writing && this.#fill()) {
        const written = this.#target.write(this.#chunk);
        if (typeof written === 'number') {
          if (!this.#wrote(written)) return;
        } else {
          this.#writing = true;
          void written.then((count) => this.#finished(count), (error: unknown) => this.#finished(0, error));
        }
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  #finished(written: number, error?: unknown): void {
    this.#writing = false;
    if (error !== undefined) this.#failed(error);
    else if (this.#wrote(written)) this.#flush();
  }

  /** Whether the target may be asked again at once. */
  #wrote(written: number): boolean {
    this.#chunk = this.#chunk.subarray(written);
    if (this.#held() < ROOM_BELOW) this.#release();
    if (written > 0) this.#retryMs = RETRY.firstMs;
    if (this.#chunk.length === 0) return true;
    this.#retryIn(this.#retryMs);
    this.#retryMs = Math.min(RETRY.mostMs, this.#retryMs * 2);
    return false;
  }

  #failed(error: unknown): void {
    if (MAY_PASS.has((error as NodeJS.ErrnoException).code)) this.#retryIn(FAILED_RETRY_MS);
    else this.#end();
  }

  #retryIn(ms: number): void {
    this.#timer ??= setTimeout(() => this.#flush(), ms);
    if (!this.#closing) this.#timer.unref();
  }

  #end(): void {
    this.#gone = true;
    this.#dropped += this.#texts.length + (this.#chunk.length > 0 ? 1 : 0);
    this.#texts = [];
    this.#textsLength = 0;
    this.#chunk = NOTHING;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#release();
  }

  #release(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}
