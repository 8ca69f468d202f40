import { joinCrc } from './crc-join.ts';
import type { ObjectFacts } from './frames.ts';

/** Numbers kept for a piece: file, position, length, CRC-32. */
const PIECE_NUMBERS = 4;

/** An object on its way: its facts and the places of its pieces. */
export class StagedObject {
  readonly #facts: ObjectFacts;
  #key: string;
  #events = 0;
  #bytes = 0;
  #crc = 0;
  readonly #pieces: number[] = [];

  constructor(facts: ObjectFacts) {
    this.#facts = facts;
    this.#key = facts.key;
  }

  get facts(): ObjectFacts {
    return { ...this.#facts, key: this.#key };
  }

  get id(): number {
    return this.#facts.id;
  }

  get key(): string {
    return this.#key;
  }

  get events(): number {
    return this.#events;
  }

  /** Before compression. */
  get bytes(): number {
    return this.#bytes;
  }

  /** CRC-32 of all bytes, before compression. */
  get crc(): number {
    return this.#crc;
  }

  get pieces(): number {
    return this.#pieces.length / PIECE_NUMBERS;
  }

  piece(index: number): { readonly file: number; readonly position: number; readonly length: number; readonly crc: number } {
    const [file = 0, position = 0, length = 0, crc = 0] = this.#pieces.slice(PIECE_NUMBERS * index, PIECE_NUMBERS * (index + 1));
    return { file, position, length, crc };
  }

  /** Numbers of the files that hold a piece. */
  files(): ReadonlySet<number> {
    const files = new Set<number>();
    for (let at = 0; at < this.#pieces.length; at += PIECE_NUMBERS) files.add(this.#pieces[at] as number);
    return files;
  }

  /** Length of the bytes, their CRC-32, and that of the object with them at its end. */
  measure(parts: readonly Buffer[]): readonly [length: number, crc: number, objectCrc: number] {
    const { crc32 } = process.getBuiltinModule('node:zlib');
    let length = 0;
    let crc = 0;
    for (const part of parts) {
      length += part.length;
      crc = crc32(part, crc);
    }
    return [length, crc, joinCrc(this.#crc, crc, length)];
  }

  add(file: number, position: number, length: number, crc: number, objectCrc: number, events: number): void {
    if (length > 0) this.#pieces.push(file, position, length, crc);
    this.#bytes += length;
    this.#events += events;
    this.#crc = objectCrc;
  }

  rename(key: string): void {
    this.#key = key;
  }
}
