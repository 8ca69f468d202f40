import { Batch } from '../../core/batch.ts';
import type { Page } from './page-memory.ts';

/** Events in memory, not lent: `batch` begins with event number `from`. */
export interface Piece {
  readonly from: number;
  readonly batch: Batch;
  /** Whose memory it is in, if that may be used again. */
  readonly page?: Page | undefined;
}

/** What a piece takes beside its bodies: bounds, and the objects around it. */
const PIECE_BYTES = 512;
const EVENT_BYTES = 8;

/** Pieces in the order of their events. */
export class ReadyEvents {
  /** In reverse: the next piece is the last. */
  #front: Piece[] = [];
  #back: Piece[] = [];
  #bytes = 0;

  /** Memory that the pieces take, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#front.length === 0 && this.#back.length === 0;
  }

  /** Behind all others. */
  push(piece: Piece): void {
    this.#back.push(piece);
    this.#bytes += weightOf(piece);
  }

  /** Where they belong by their numbers. */
  giveBack(pieces: readonly Piece[]): void {
    this.#turn();
    for (let index = pieces.length - 1; index >= 0; index--) {
      const piece = pieces[index] as Piece;
      let at = this.#front.length;
      while (at > 0 && (this.#front[at - 1] as Piece).from < piece.from) at--;
      this.#front.splice(at, 0, piece);
      this.#bytes += weightOf(piece);
    }
    this.#settle();
  }

  /** Up to `max` events from the front. At least half of `max` in one piece comes alone; smaller pieces come together. */
  take(max: number): Piece[] {
    const taken: Piece[] = [];
    for (let missing = max; missing > 0; ) {
      this.#turn();
      const piece = this.#front.at(-1);
      if (!piece || (taken.length > 0 && piece.batch.size > missing)) break;
      this.#front.pop();
      this.#bytes -= weightOf(piece);
      if (piece.batch.size > missing) {
        const rest = { ...piece, from: piece.from + missing, batch: piece.batch.slice(missing, piece.batch.size) };
        this.#front.push(rest);
        this.#bytes += weightOf(rest);
        taken.push({ ...piece, batch: piece.batch.slice(0, missing) });
        break;
      }
      taken.push(piece);
      missing -= piece.batch.size;
      if (taken.length === 1 && missing <= max / 2) break;
    }
    return taken;
  }

  #turn(): void {
    if (this.#front.length > 0) return;
    this.#front = this.#back.reverse();
    this.#back = [];
  }

  /** What was given back may belong behind pieces that were pushed since the front was turned. */
  #settle(): void {
    const last = this.#front[0];
    const next = this.#back[0];
    if (!last || !next || last.from < next.from) return;
    const all = [...this.#back.reverse(), ...this.#front].sort((a, b) => b.from - a.from);
    this.#front = all;
    this.#back = [];
  }
}

export function bytesOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { batch }) => sum + batch.byteLength, 0);
}

/** The pieces as one batch; several are copied into what `allocate` gives. */
export function batchOf(pieces: readonly Piece[], allocate: (bytes: number) => Buffer): Batch {
  const [only] = pieces;
  return only && pieces.length === 1 ? only.batch : Batch.concat(pieces.map(({ batch }) => batch), allocate);
}

/** Counted by the slice of the record that the piece shows, which is what taking it lets go of. */
function weightOf({ batch }: Piece): number {
  const { bounds, size } = batch;
  const span = size === 0 ? 0 : (bounds[2 * size - 1] as number) - (bounds[0] as number);
  return PIECE_BYTES + EVENT_BYTES * size + span;
}
