/**
 * Bodies that follow from a sender and a number: `<sender>.<number>:` and text that depends on both, so that a body which was cut, mixed
 * with another or changed in one bit is seen. Bodies of 0 and 1 byte have no room for a number; they are only counted.
 */

const KB = 1024;

/** Lengths around which buffers end. */
const EDGES = [512, 1 * KB, 4 * KB, 8 * KB, 16 * KB, 32 * KB, 64 * KB].flatMap((edge) => [edge - 1, edge, edge + 1]);
const FAR_EDGES = [128 * KB, 256 * KB, 512 * KB, 1024 * KB].flatMap((edge) => [edge - 1, edge, edge + 1]);
const LONGEST = 4 * KB * KB + 1;

/**
 * `short`: up to 208 bytes, which every source takes as it is set up by default. `edges`: also around each buffer's end up to 1 MB, and
 * one of 4 MB in 20,011. `numbered-…`: without those of 0 and 1 byte, so that each can be told from all others.
 */
export const LENGTHS = ['short', 'edges', 'numbered-short', 'numbered-edges'] as const;
export type Lengths = (typeof LENGTHS)[number];

export type Reading =
  | { readonly kind: 'whole'; readonly sender: number; readonly number: number }
  | { readonly kind: 'altered'; readonly sender: number; readonly number: number }
  | { readonly kind: 'plain'; readonly length: 0 | 1 }
  | { readonly kind: 'foreign' };

export const PLAIN: readonly Buffer[] = [Buffer.alloc(0), Buffer.from('.')];

const FILLER_TURN = 65_521;

/** Bodies of one run. */
export class Bodies {
  readonly lengths: Lengths;
  readonly #filler: Buffer;
  readonly #short: boolean;
  readonly #numbered: boolean;

  constructor(lengths: Lengths) {
    this.lengths = lengths;
    this.#short = lengths.endsWith('short');
    this.#numbered = lengths.startsWith('numbered');
    this.#filler = fillerOf(FILLER_TURN + (this.#short ? 256 : LONGEST));
  }

  lengthOf(sender: number, number: number): number {
    return Math.max(this.#lengthOf(number), this.#lengthOf(number) < 2 ? 0 : prefixOf(sender, number).length);
  }

  #lengthOf(number: number): number {
    if (!this.#numbered && number % 50 === 3) return 0;
    if (!this.#numbered && number % 50 === 7) return 1;
    if (!this.#short) {
      if (number % 20_011 === 4000) return LONGEST;
      if (number % 1009 === 500) return FAR_EDGES[Math.floor(number / 1009) % FAR_EDGES.length] as number;
      if (number % 29 === 11) return EDGES[Math.floor(number / 29) % EDGES.length] as number;
    }
    return 10 + ((number * 7919) % 199);
  }

  /** Writes the body to `target`; its end. */
  write(target: Buffer, at: number, sender: number, number: number): number {
    const length = this.lengthOf(sender, number);
    if (length < 2) return at + (PLAIN[length] as Buffer).copy(target, at);
    const prefix = prefixOf(sender, number);
    const from = fillerStart(sender, number);
    const text = at + target.write(prefix, at, 'latin1');
    this.#filler.copy(target, text, from, from + length - prefix.length);
    return at + length;
  }

  bodyOf(sender: number, number: number): Buffer {
    const body = Buffer.allocUnsafe(this.lengthOf(sender, number));
    this.write(body, 0, sender, number);
    return body;
  }

  read(body: Buffer): Reading {
    if (body.length === 0 || (body.length === 1 && body[0] === 46)) return { kind: 'plain', length: body.length === 0 ? 0 : 1 };
    const sender = digitsAt(body, 0, 46);
    const number = sender && digitsAt(body, sender.end, 58);
    if (!number) return { kind: 'foreign' };
    const from = fillerStart(sender.value, number.value);
    const { length } = body;
    const expected = this.lengthOf(sender.value, number.value);
    const same = length === expected && body.compare(this.#filler, from, from + length - number.end, number.end) === 0;
    return { kind: same ? 'whole' : 'altered', sender: sender.value, number: number.value };
  }

  /** Whether a body could begin so. */
  canBegin(part: Buffer): boolean {
    const sender = digitsAt(part, 0, 46);
    const number = sender && digitsAt(part, sender.end, 58);
    if (!number) return /^\d*(\.\d*)?$/.test(part.toString('latin1'));
    return this.bodyOf(sender.value, number.value).subarray(0, part.length).equals(part);
  }
}

function prefixOf(sender: number, number: number): string {
  return `${sender}.${number}:`;
}

function fillerStart(sender: number, number: number): number {
  return (number * 7919 + sender * 104_729) % FILLER_TURN;
}

/** A number without needless zeros, up to and with its end mark. */
function digitsAt(bytes: Buffer, from: number, mark: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let at = from; at < bytes.length && at <= from + 15; at++) {
    const byte = bytes[at] as number;
    if (byte === mark && at > from) return { value, end: at + 1 };
    if (byte < 48 || byte > 57 || (at > from && value === 0)) return undefined;
    value = value * 10 + byte - 48;
  }
  return undefined;
}

/** Printable text that repeats nowhere soon. */
function fillerOf(length: number): Buffer {
  const filler = Buffer.allocUnsafe(length);
  let state = 2_463_534_242;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    filler[at] = 48 + ((state >>> 8) & 63);
  }
  return filler;
}
