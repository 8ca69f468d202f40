import { Epochs } from './epochs.ts';
import type { Tail } from './group.ts';
import type { GuardState } from './guard.ts';
import type { Gap } from './log-reader.ts';
import { DoneEvents } from './ranges.ts';
import { bytesOf, type Piece } from './ready-events.ts';
import type { Recovery } from './recovery.ts';

/** The numbers of a channel: what is stored, what is done with, what is held. */
export class Account {
  /** Identity of the store. */
  store = '';
  epochs = new Epochs();
  done = new DoneEvents();
  /** Everything below is stored, and synced where each write is. */
  tail: Tail = { event: 0, byte: 0 };
  /** Everything below is on the disk for sure. */
  synced: Tail = { event: 0, byte: 0 };
  /** Something is done with that the index does not know. */
  dirty = false;
  #held = 0;
  #heldBytes = 0;

  /** Events that are stored and not done with. */
  get held(): number {
    return this.#held;
  }

  /** Bytes of their bodies. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Begins with what was found on the disk. */
  open({ store, done, tail }: Recovery): void {
    this.store = store;
    this.done = done;
    this.tail = tail;
    this.synced = tail;
    const above = done.aboveHead();
    this.#held = tail.event - done.head - above.events;
    this.#heldBytes = Math.max(0, tail.byte - done.headBytes - above.bytes);
    this.dirty = true;
  }

  stored(tail: Tail): void {
    this.#held += tail.event - this.tail.event;
    this.#heldBytes += tail.byte - this.tail.byte;
    this.tail = tail;
  }

  /** Done with, to be noted in the guard; held until `released`. */
  committed(pieces: readonly Piece[]): void {
    for (const { from, batch } of pieces) this.done.add({ from, to: from + batch.size, bytes: batch.byteLength });
    this.dirty = true;
  }

  released(pieces: readonly Piece[]): void {
    this.#held -= pieces.reduce((sum, { batch }) => sum + batch.size, 0);
    this.#heldBytes = Math.max(0, this.#heldBytes - bytesOf(pieces));
  }

  /** Lost: nothing will come of these. */
  gaveUp(gaps: readonly Gap[]): void {
    for (const gap of gaps) {
      this.done.add(gap);
      this.#held -= gap.to - gap.from;
      this.#heldBytes = Math.max(0, this.#heldBytes - gap.bytes);
    }
    if (gaps.length > 0) this.dirty = true;
  }

  /** The guard is never ahead of the disk. */
  guardState(): GuardState {
    return { store: this.store, tail: this.synced.event, tailBytes: this.synced.byte, done: this.done };
  }
}
