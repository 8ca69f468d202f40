import { Bitmap } from './bitmap.ts';
import type { Bodies } from './bodies.ts';

export interface Pace {
  /** New numbers in a second; as fast as they are acknowledged unless given. */
  readonly perSecond?: number;
  /** New numbers in all. */
  readonly events?: number;
}

interface Plain {
  /** Numbers that have such a body. */
  made: number;
  sent: number;
  acked: number;
}

/** What one sender sent, what was acknowledged to it, and what of that was seen at the other end. */
export class Ledger {
  readonly index: number;
  readonly bodies: Bodies;
  readonly acked = new Bitmap();
  readonly seen = new Bitmap();
  /** Of the bodies of 0 and of 1 byte, which carry no number. */
  readonly plain: readonly [Plain, Plain] = [
    { made: 0, sent: 0, acked: 0 },
    { made: 0, sent: 0, acked: 0 },
  ];
  /** How often a number was sent, of those that were sent more than once. */
  readonly #times = new Map<number, number>();
  /** How often a number was seen beyond the first time. */
  readonly #extra = new Map<number, number>();
  readonly #pace: Pace;
  readonly #began = performance.now() - 1;
  #again: number[] = [];
  #closed = false;
  #fresh = 0;
  #highest = -1;
  /** Acknowledged and seen. */
  #both = 0;
  /** The next new number. */
  next = 0;
  /** Bytes of the bodies that were sent, each as often as it was. */
  bytes = 0;
  outOfOrder = 0;
  /** Acknowledged, those without a number included. */
  acknowledged = 0;
  /** Waits for its turn to be sent again. */
  get waiting(): number {
    return this.#again.length;
  }

  constructor(index: number, bodies: Bodies, pace: Pace) {
    this.index = index;
    this.bodies = bodies;
    this.#pace = pace;
  }

  /** The number to send now: first those that have to be sent again. Nothing while the pace allows no more. */
  take(): number | undefined {
    const again = this.#again.shift();
    if (again !== undefined) {
      this.#times.set(again, (this.#times.get(again) ?? 1) + 1);
      this.#sent(again, false);
      return again;
    }
    if (!this.#isOver && !this.#isDue) return undefined;
    if (this.#isOver) {
      if (this.#fresh === 0) return undefined;
      this.#fresh--;
    }
    this.#sent(this.next, true);
    return this.next++;
  }

  /** The numbers that were asked for are made; only fresh ones are left. */
  get #isOver(): boolean {
    return this.#closed || this.next >= (this.#pace.events ?? Infinity);
  }

  get #isDue(): boolean {
    return this.next < ((performance.now() - this.#began) * (this.#pace.perSecond ?? Infinity)) / 1000;
  }

  #sent(number: number, isNew: boolean): void {
    const length = this.bodies.lengthOf(this.index, number);
    this.bytes += length;
    const plain = this.plain[length];
    if (!plain) return;
    plain.sent++;
    if (isNew) plain.made++;
  }

  acknowledge(number: number): void {
    this.acknowledged++;
    const plain = this.plain[this.bodies.lengthOf(this.index, number)];
    if (plain) plain.acked++;
    else if (this.acked.mark(number) && this.seen.has(number)) this.#both++;
  }

  /** These were refused, or nobody knows what became of them. */
  sendAgain(numbers: readonly number[]): void {
    this.#again = [...numbers, ...this.#again];
  }

  /** No new numbers from now on, unless so many were asked for: then those that are left. */
  close(): void {
    this.#closed = this.#pace.events === undefined;
  }

  /** One more new number, whatever the pace; it. */
  addFresh(): number {
    const begin = this.#closed ? this.next : Math.max(this.next, this.#pace.events ?? this.next);
    while (this.bodies.lengthOf(this.index, begin + this.#fresh) < 2) this.#fresh++;
    return begin + this.#fresh++;
  }

  /** A number came out at the other end. False if it was never sent. */
  see(number: number): boolean {
    if (number >= this.next) return false;
    if (!this.seen.mark(number)) {
      this.#extra.set(number, (this.#extra.get(number) ?? 0) + 1);
      return true;
    }
    if (this.acked.has(number)) this.#both++;
    if (number < this.#highest && !this.#times.has(number)) this.outOfOrder++;
    this.#highest = Math.max(this.#highest, number);
    return true;
  }

  forgetSeen(): void {
    this.seen.clear();
    this.#extra.clear();
    this.#highest = -1;
    this.#both = 0;
    this.outOfOrder = 0;
  }

  /** Acknowledged and not seen, of those that have a number. */
  get missing(): number {
    return this.acked.count - this.#both;
  }

  /** Deliveries beyond the first: those that the sender itself asked for by sending again, and those that nobody asked for. */
  repeats(): { readonly repeated: number; readonly duplicates: number } {
    let repeated = 0;
    let duplicates = 0;
    for (const [number, extra] of this.#extra) {
      const asked = Math.min(extra, (this.#times.get(number) ?? 1) - 1);
      repeated += asked;
      duplicates += extra - asked;
    }
    return { repeated, duplicates };
  }

  get isDone(): boolean {
    return this.#again.length === 0 && this.#isOver && this.#fresh === 0;
  }
}
