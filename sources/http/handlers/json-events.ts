import { BadRequestError } from '../../../core/errors.ts';

const NO_BYTES = Buffer.alloc(0);
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;
const LINE_FEED = 10;
/** Values nested more deeply are refused: nobody reads them, and they are what attackers send. */
const MOST_DEPTH = 512;
/** Headers of one event. */
const MOST_HEADERS = 10_000;

const BLANKS = new Set([9, 10, 13, 32]);
/** What ends a word that is not quoted. */
const ENDS = new Set(Buffer.from('/\\;#={}[]:, \t\f\r\n'));

const LETTER_U = 0x75;
/** What stands behind a backslash, and what it means. */
const ESCAPES = new Map(Object.entries({ n: 10, t: 9, r: 13, b: 8, f: 12, '"': QUOTE, "'": APOSTROPHE, '\\': BACKSLASH, '/': 0x2f, '\n': 10 }).map(([char, byte]) => [char.charCodeAt(0), byte]));
const HEX = Buffer.from('0123456789abcdef');

/**
 * Reads an array of events from JSON, one after another, without making a tree of it. As lenient as Flume's reader (Gson): single quotes,
 * words without quotes, comments, `;` for `,` and `=` for `:` are taken. Throws BadRequestError with the place.
 */
export class JsonEvents {
  headers = new Map<string, string>();
  body: Buffer = NO_BYTES;
  readonly #bytes: Buffer;
  #at = 0;
  #state: 'before' | 'inside' | 'after' = 'before';
  /** The next backslash at or behind the place up to which it was looked for. */
  #backslash = -1;

  /** `bytes`: UTF-8. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Goes to the next event; false behind the last. */
  next(): boolean {
    if (this.#state === 'after') return false;
    let first = false;
    if (this.#state === 'before') {
      if (this.#peek() === undefined) this.#fail('the body is empty; an array of events was expected');
      if (this.#take() !== '[') this.#fail('an array of events was expected: [{"headers": {}, "body": "text"}]');
      this.#state = 'inside';
      first = true;
    }
    let char = this.#peek();
    if (!first && char !== ']') {
      if (char !== ',' && char !== ';') this.#fail('a comma or ] was expected');
      this.#at++;
      char = this.#peek();
      if (char === ']') this.#fail('an event was expected behind the comma');
    }
    if (char === ']') {
      this.#at++;
      if (this.#peek() !== undefined) this.#fail('nothing was expected behind the array');
      this.#state = 'after';
      return false;
    }
    if (char !== '{') this.#fail('an event, {"headers": {}, "body": "text"}, was expected');
    this.#event();
    return true;
  }

  #event(): void {
    this.headers = new Map();
    this.body = NO_BYTES;
    this.#object((name) => {
      if (name === 'body') this.body = this.#scalar('body') ?? NO_BYTES;
      else if (name === 'headers') this.#headers();
      else this.#skipValue();
    });
  }

  #headers(): void {
    if (this.#peek() !== '{') {
      if (this.#scalar('headers') !== undefined) this.#fail('the headers of an event have to be an object');
      return;
    }
    this.headers = new Map();
    this.#object((name) => {
      if (this.headers.has(name)) this.#fail(`the header "${name}" is there twice`);
      if (this.headers.size >= MOST_HEADERS) this.#fail(`an event has more than ${MOST_HEADERS} headers`);
      const value = this.#scalar(`header "${name}"`);
      // Nothing can be made of a header without a value, and no durable channel takes one.
      if (value !== undefined) this.headers.set(name, value.toString());
    });
  }

  /** Calls `member` with the place behind each name and its colon. */
  #object(member: (name: string) => void): void {
    this.#at++;
    for (let isFirst = true; ; isFirst = false) {
      let char = this.#peek();
      if (!isFirst && char !== '}') {
        if (char !== ',' && char !== ';') this.#fail('a comma or } was expected');
        this.#at++;
        char = this.#peek();
        if (char === '}') this.#fail('a name was expected behind the comma');
      }
      if (char === '}') {
        this.#at++;
        return;
      }
      if (char === '{' || char === '[' || char === ']' || char === undefined) this.#fail('a name was expected');
      const name = this.#text().toString();
      this.#colon();
      member(name);
    }
  }

  #colon(): void {
    const char = this.#peek();
    if (char !== ':' && char !== '=') this.#fail('a colon was expected');
    this.#at++;
    if (char === '=' && this.#bytes[this.#at] === 0x3e) this.#at++;
  }

  /** The bytes of a text, number or truth value; `undefined` for null. */
  #scalar(what: string): Buffer | undefined {
    const char = this.#peek();
    if (char === '{' || char === '[') this.#fail(`the ${what} of an event has to be text`);
    if (char === '"' || char === "'") return this.#text();
    const word = this.#text();
    const text = word.length <= 5 ? word.toString('latin1').toLowerCase() : '';
    if (text === 'null') return undefined;
    return text === 'true' || text === 'false' ? Buffer.from(text) : word;
  }

  /** Goes over a value of any kind, however deeply nested, without calling itself. */
  #skipValue(): void {
    const open: string[] = [];
    do {
      const char = this.#peek();
      if (char === undefined) this.#fail('the text ends in the middle of a value');
      if (char === '{' || char === '[') {
        if (open.push(char === '{' ? '}' : ']') > MOST_DEPTH) this.#fail(`values are nested more than ${MOST_DEPTH} deep`);
        this.#at++;
      } else if (char === '}' || char === ']') {
        if (open.pop() !== char) this.#fail(`${char} was not expected`);
        this.#at++;
      } else if (char === ',' || char === ':' || char === ';' || char === '=') {
        if (open.length === 0) this.#fail('a value was expected');
        this.#at++;
      } else {
        this.#text();
      }
    } while (open.length > 0);
  }

  /** A text in quotes, or a word. */
  #text(): Buffer {
    const quote = this.#bytes[this.#at];
    if (quote === QUOTE || quote === APOSTROPHE) return this.#quoted(quote);
    const begin = this.#at;
    while (this.#at < this.#bytes.length && !ENDS.has(this.#bytes[this.#at] as number)) this.#at++;
    if (this.#at === begin) this.#fail('a value was expected');
    return this.#bytes.subarray(begin, this.#at);
  }

  #quoted(quote: number): Buffer {
    const bytes = this.#bytes;
    const begin = this.#at + 1;
    let end = bytes.indexOf(quote, begin);
    if (end < 0) this.#fail('the text has no end');
    if (this.#nextBackslash(begin) > end) {
      this.#at = end + 1;
      return bytes.subarray(begin, end);
    }
    for (let at = this.#nextBackslash(begin); at < end; at = this.#nextBackslash(at + 2)) {
      if (at + 1 === end) end = bytes.indexOf(quote, end + 1);
      if (end < 0) this.#fail('the text has no end');
    }
    this.#at = end + 1;
    return this.#unescaped(begin, end);
  }

  /** Behind the last one: the end of all. */
  #nextBackslash(from: number): number {
    if (this.#backslash < from) {
      const found = this.#bytes.indexOf(BACKSLASH, from);
      this.#backslash = found < 0 ? this.#bytes.length : found;
    }
    return this.#backslash;
  }

  /** Byte by byte: a text may be nothing but escapes, and megabytes long. */
  #unescaped(begin: number, end: number): Buffer {
    const bytes = this.#bytes;
    const text = Buffer.allocUnsafe(end - begin);
    let length = 0;
    for (let at = begin; at < end; ) {
      const byte = bytes[at] as number;
      if (byte !== BACKSLASH) {
        text[length++] = byte;
        at++;
        continue;
      }
      const escape = bytes[at + 1] as number;
      if (escape !== LETTER_U) {
        const known = ESCAPES.get(escape);
        if (known === undefined) this.#fail(`the escape \\${String.fromCharCode(escape)} is not known`);
        text[length++] = known;
        at += 2;
        continue;
      }
      const unit = this.#unit(at, end);
      at += 6;
      const low = unit >= 0xd800 && unit < 0xdc00 && bytes[at] === BACKSLASH && bytes[at + 1] === LETTER_U ? this.#unit(at, end) : 0;
      const isPair = low >= 0xdc00 && low < 0xe000;
      if (isPair) at += 6;
      const point = isPair ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : unit;
      length = writePoint(text, length, point);
    }
    return text.subarray(0, length);
  }

  /** Of the escape `\\uXXXX` at `at`. */
  #unit(at: number, end: number): number {
    let unit = 0;
    for (let digit = at + 2; digit < at + 6; digit++) {
      const value = digit < end ? HEX.indexOf((this.#bytes[digit] as number) | 0x20) : -1;
      if (value < 0) this.#fail('an escape \\u has to be followed by four hexadecimal digits');
      unit = unit * 16 + value;
    }
    return unit;
  }

  /** The next character that is no blank and no comment, which is not taken; `undefined` at the end. */
  #peek(): string | undefined {
    const bytes = this.#bytes;
    for (;;) {
      const byte = bytes[this.#at];
      if (byte === undefined) return undefined;
      if (BLANKS.has(byte)) this.#at++;
      else if (byte === 0x23 || (byte === 0x2f && bytes[this.#at + 1] === 0x2f)) this.#skipTo(LINE_FEED);
      else if (byte === 0x2f && bytes[this.#at + 1] === 0x2a) this.#skipComment();
      else return String.fromCharCode(byte);
    }
  }

  #take(): string | undefined {
    const char = this.#peek();
    this.#at++;
    return char;
  }

  #skipTo(byte: number): void {
    const end = this.#bytes.indexOf(byte, this.#at);
    this.#at = end < 0 ? this.#bytes.length : end + 1;
  }

  #skipComment(): void {
    const end = this.#bytes.indexOf('*/', this.#at + 2);
    if (end < 0) this.#fail('the comment has no end');
    this.#at = end + 2;
  }

  #fail(reason: string): never {
    throw new BadRequestError(`Request has invalid JSON Syntax. At byte ${Math.min(this.#at, this.#bytes.length)}: ${reason}`);
  }
}

/** In UTF-8; half of a pair becomes `?`, as in Java. Returns the end. */
function writePoint(text: Buffer, at: number, point: number): number {
  if (point >= 0xd800 && point < 0xe000) {
    text[at] = 0x3f;
    return at + 1;
  }
  return at + text.write(String.fromCodePoint(point), at);
}
