import { isAscii, isUtf8 } from 'node:buffer';
import { encodeText, isUtf8Charset, textReader } from '../../core/charset.ts';
import type { DecodeErrorPolicy } from '../../core/component.ts';
import { javaUtf8 } from '../../core/java-utf8.ts';

const REPLACEMENT = '\ufffd';
/** U+FFFD itself, which has a right to stand in a text. */
const REPLACEMENT_BYTES = Buffer.from(REPLACEMENT);

export interface LineTextOptions {
  readonly charset: string;
  readonly outputCharset: string;
  readonly policy: DecodeErrorPolicy;
}

/** Lines as text: from the character set of a file to that of the bodies, wrong bytes treated as the policy says. */
export class LineText {
  /** Bytes of a unit: line feeds are looked for at multiples of it. */
  readonly unitBytes: 1 | 2;
  /** Files begin with a mark that tells the byte order, if they have one. */
  readonly hasMark: boolean;
  readonly #policy: DecodeErrorPolicy;
  readonly #outputCharset: string;
  readonly #utf8: boolean;
  readonly #ascii: boolean;
  readonly #alike: boolean;
  #charset: string;

  constructor({ charset, outputCharset, policy }: LineTextOptions) {
    const lower = charset.toLowerCase();
    this.#charset = lower === 'utf-16' || lower === 'utf16' ? 'utf-16be' : charset;
    this.hasMark = this.#charset !== charset;
    this.unitBytes = /^(utf-?16|x-utf-?16|unicode)/i.test(this.#charset) ? 2 : 1;
    this.#outputCharset = outputCharset;
    this.#policy = policy;
    const sameOutside = !/^(utf-?16|utf-?32|x-utf|unicode)/i.test(outputCharset);
    this.#utf8 = isUtf8Charset(charset);
    this.#ascii = /^(us-)?ascii$/.test(lower);
    this.#alike = this.unitBytes === 1 && sameOutside && !/^iso-2022/i.test(charset);
  }

  /** Takes the byte order from the head of a file. Returns the length of the mark, 0 where there is none. */
  readMark(head: Buffer): number {
    const little = head[0] === 0xff && head[1] === 0xfe;
    if (little) this.#charset = 'utf-16le';
    return little || (head[0] === 0xfe && head[1] === 0xff) ? 2 : 0;
  }

  get isLittleEndian(): boolean {
    return /le$/i.test(this.#charset);
  }

  /** Bytes of whole lines are bodies as they stand. */
  passes(bytes: Buffer): boolean {
    if (!this.#alike) return false;
    return this.#utf8 && isUtf8Charset(this.#outputCharset) ? isUtf8(bytes) : isAscii(bytes);
  }

  /** Throws TypeError for bytes that are none of the character set where the policy is FAIL. */
  decode(bytes: Buffer): string {
    if (this.#policy === 'FAIL') return textReader(this.#charset, true).read(bytes, true);
    if (this.#policy === 'REPLACE') return this.#replaced(bytes);
    if (!this.#utf8) return this.#replaced(bytes).replaceAll(REPLACEMENT, '');
    let text = '';
    for (let from = 0; from <= bytes.length; ) {
      const at = bytes.indexOf(REPLACEMENT_BYTES, from);
      text += javaUtf8(bytes, from, at < 0 ? bytes.length : at).replaceAll(REPLACEMENT, '');
      if (at < 0) break;
      text += REPLACEMENT;
      from = at + REPLACEMENT_BYTES.length;
    }
    return text;
  }

  encode(text: string): Buffer {
    return encodeText(text, this.#outputCharset);
  }

  /** UTF-16 units of the whole characters in `bytes`. */
  units(bytes: Buffer): number {
    if (this.#ascii || /^(iso-?8859-1|iso8859_1|latin1)$/i.test(this.#charset)) return bytes.length;
    // Bytes that are ignored count all the same: a file of nothing else must not be read whole for a single piece.
    return textReader(this.#charset, this.#policy === 'FAIL').read(bytes).length;
  }

  #replaced(bytes: Buffer): string {
    if (this.#utf8) return javaUtf8(bytes);
    if (this.#ascii) return bytes.toString('latin1').replace(/[\x80-\xff]/g, REPLACEMENT);
    return textReader(this.#charset, false).read(bytes, true);
  }
}
