import { isAscii } from 'node:buffer';
import { Batch } from '../../core/batch.ts';
import { LineScanner } from '../../core/line-scanner.ts';
import type { LineText } from './line-text.ts';

const LINE_FEED = 10;
/** Most bytes of a UTF-16 unit in any character set: what is longer than so many units holds all of them. */
const BYTES_PER_UNIT = 4;

const scanner = new LineScanner();

/** The events of a piece of a file. */
export interface LineChunk {
  readonly batch: Batch;
  /** Bytes that the events took, their line feeds included; 0: the bytes hold neither a line nor as much as a line may. */
  readonly consumed: number;
  /** Why what follows the events cannot be read. */
  readonly fault?: Error;
  /** Where event `index` ends, its line feed included. */
  endOf(index: number): number;
}

/** Cuts the bytes of a file into lines, and lines that are too long into pieces. */
export class LineChunks {
  readonly #text: LineText;
  readonly #longest: number;

  /** `longest`: UTF-16 units. */
  constructor(text: LineText, longest: number) {
    this.#text = text;
    this.#longest = longest;
  }

  /** The events at the head of `bytes`, which begin with a line or in the middle of one. `last`: the file ends with them. */
  of(bytes: Buffer, last: boolean): LineChunk {
    const bounds = this.#text.unitBytes === 2 ? wideLines(bytes, this.#text.isLittleEndian) : scanner.scan(bytes, 0);
    const lines = bounds.length / 2;
    const next = lines > 0 ? (bounds[2 * lines - 1] as number) + this.#text.unitBytes : 0;
    const end = last ? bytes.length : next;
    const rest = end - next;
    if (end > 0 && rest < this.#longest && scanner.longest < this.#longest && this.#text.passes(bytes.subarray(0, end))) {
      return rest > 0 ? plain(bytes, withRest(bounds, next, end), lines + 1, end) : plain(bytes, bounds, lines, end);
    }
    return this.#slowly(bytes, bounds, next, last);
  }

  #slowly(bytes: Buffer, bounds: Uint32Array, next: number, last: boolean): LineChunk {
    const pieces = new Pieces(bytes, this.#text, this.#longest);
    try {
      for (let index = 0; index < bounds.length; index += 2) pieces.line(bounds[index] as number, bounds[index + 1] as number);
      if (last) pieces.rest(next, bytes.length);
      else if (bounds.length === 0) pieces.part(0, bytes.length);
      return pieces.chunk();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return pieces.chunk(error);
    }
  }
}

/** The slow way: lines that are cut or altered. */
class Pieces {
  readonly #bytes: Buffer;
  readonly #text: LineText;
  readonly #longest: number;
  readonly #bodies: Buffer[] = [];
  readonly #ends: number[] = [];

  constructor(bytes: Buffer, text: LineText, longest: number) {
    this.#bytes = bytes;
    this.#text = text;
    this.#longest = longest;
  }

  /** A line with its line feed behind it. One that fills its last piece is followed by an empty event, as in Flume. */
  line(begin: number, end: number): void {
    const from = this.#cut(begin, end, 0);
    this.#add(from, end, end + this.#text.unitBytes);
  }

  /** The last line of the file, which has no line feed. */
  rest(begin: number, end: number): void {
    const from = this.#cut(begin, end, 0);
    if (from < end) this.#add(from, end, end);
  }

  /** A part of a line that goes on for longer than a line may: what is left over for the next part is not added. */
  part(begin: number, end: number): void {
    this.#cut(begin, end, BYTES_PER_UNIT * this.#longest);
  }

  chunk(fault?: TypeError): LineChunk {
    const ends = this.#ends;
    const bodies = this.#bodies;
    const bounds = new Uint32Array(2 * bodies.length);
    let at = 0;
    for (const [index, { length }] of bodies.entries()) {
      bounds[2 * index] = at;
      at += length;
      bounds[2 * index + 1] = at;
    }
    const batch = Batch.over(Buffer.concat(bodies, at), bounds, bodies.length);
    const chunk = { batch, consumed: ends.at(-1) ?? 0, endOf: (index: number) => ends[index] as number };
    return fault ? { ...chunk, fault } : chunk;
  }

  /** Adds whole pieces while more than `keep` bytes are there; returns where the rest begins. */
  #cut(begin: number, end: number, keep: number): number {
    let from = begin;
    while (end - from > keep && end - from >= this.#longest) {
      const to = this.#pieceEnd(from, end);
      if (to === undefined) break;
      this.#add(from, to, to);
      from = to;
    }
    return from;
  }

  /** Where a piece as long as a line may be ends, two units that are one character kept together; `undefined`: there are fewer units. */
  #pieceEnd(from: number, end: number): number | undefined {
    const most = Math.min(end, from + BYTES_PER_UNIT * this.#longest);
    const whole = this.#bytes.subarray(from, most);
    if (this.#text.unitBytes === 1 && isAscii(whole.subarray(0, this.#longest))) return from + this.#longest;
    if (this.#text.units(whole) < this.#longest) return undefined;
    const to = this.#leastWith(whole, this.#longest);
    const exact = this.#longest === 1 || this.#text.units(whole.subarray(0, to)) === this.#longest;
    return from + (exact ? to : this.#leastWith(whole, this.#longest - 1));
  }

  /** The smallest number of bytes that hold `units` units. */
  #leastWith(bytes: Buffer, units: number): number {
    let low = units;
    let high = bytes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#text.units(bytes.subarray(0, middle)) >= units) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #add(begin: number, bodyEnd: number, end: number): void {
    const bytes = this.#bytes.subarray(begin, bodyEnd);
    this.#bodies.push(this.#text.passes(bytes) ? bytes : this.#text.encode(this.#text.decode(bytes)));
    this.#ends.push(end);
  }
}

function plain(bytes: Buffer, bounds: Uint32Array, size: number, consumed: number): LineChunk {
  return {
    batch: Batch.over(bytes, bounds, size),
    consumed,
    endOf: (index) => Math.min(consumed, (bounds[2 * index + 1] as number) + 1),
  };
}

function withRest(bounds: Uint32Array, begin: number, end: number): Uint32Array {
  const all = new Uint32Array(bounds.length + 2);
  all.set(bounds);
  all.set([begin, end], bounds.length);
  return all;
}

/** Bounds of the lines of UTF-16 text. */
function wideLines(bytes: Buffer, littleEndian: boolean): Uint32Array {
  const bounds: number[] = [];
  let begin = 0;
  const shift = littleEndian ? 0 : 1;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) {
    const unit = at - shift;
    if (unit % 2 !== 0 || unit + 1 >= bytes.length || bytes[littleEndian ? unit + 1 : unit] !== 0) continue;
    bounds.push(begin, unit);
    begin = unit + 2;
  }
  return Uint32Array.from(bounds);
}
