import { AgentError } from '../errors.ts';
import type { RepeatNode } from './syntax.ts';

/** Java refuses the pattern, or it needs something that is not translated. `index` is where in `pattern`, in UTF-16 units, near enough. */
export class PatternSyntaxError extends AgentError {
  readonly pattern: string;
  readonly index: number;

  constructor(message: string, pattern: string, index: number) {
    super('M111', `${message} near index ${index} of the regular expression ${JSON.stringify(pattern)}`);
    this.pattern = pattern;
    this.index = index;
  }
}

export interface RegexFlags {
  /** `i` */
  readonly fold: boolean;
  /** `u` */
  readonly unicodeFold: boolean;
  /** `s` */
  readonly dotAll: boolean;
  /** `m` */
  readonly multiline: boolean;
  /** `d` */
  readonly unixLines: boolean;
  /** `x` */
  readonly comments: boolean;
  /** `U` */
  readonly unicodeClasses: boolean;
}

/**
 * Reads a pattern code point by code point, skipping blanks and comments where `(?x)` rules. `\Q…\E` has been replaced by escapes
 * before, as Java does it, so that it works in classes and in comments mode.
 */
export class PatternReader {
  flags: RegexFlags = { fold: false, unicodeFold: false, dotAll: false, multiline: false, unixLines: false, comments: false, unicodeClasses: false };
  readonly #source: string;
  readonly #chars: readonly number[];
  #at = 0;

  constructor(source: string) {
    this.#source = source;
    this.#chars = withoutQuotes(Array.from(source, (char) => char.codePointAt(0) ?? 0));
  }

  get atEnd(): boolean {
    return this.#at >= this.#chars.length;
  }

  error(message: string): PatternSyntaxError {
    return new PatternSyntaxError(message, this.#source, Math.min(this.#at, this.#source.length));
  }

  /** The character at the cursor, blanks and comments skipped; 0 at the end. */
  peek(): number {
    this.#skipComments();
    return this.rawAt(0);
  }

  /** Moves on by one and peeks. */
  next(): number {
    this.#at++;
    return this.peek();
  }

  /** The character at the cursor, which then moves on. */
  read(): number {
    const char = this.peek();
    this.#at++;
    return char;
  }

  /** The character after a backslash at the cursor; blanks count. Leaves the cursor on it. */
  nextEscaped(): number {
    this.#at++;
    return this.rawAt(0);
  }

  /** The character after the cursor, which then is behind it. */
  skip(): number {
    this.#at += 2;
    return this.rawAt(-1);
  }

  /** Moves on by one, whatever is there. */
  step(): void {
    this.#at++;
  }

  unread(): void {
    this.#at--;
  }

  rawAt(offset: number): number {
    return this.#chars[this.#at + offset] ?? 0;
  }

  previousRaw(): number {
    return this.rawAt(-1);
  }

  rawStartsWith(text: string): boolean {
    return Array.from(text).every((char, offset) => this.rawAt(offset) === char.charCodeAt(0));
  }

  takeRaw(text: string): boolean {
    if (!this.rawStartsWith(text)) return false;
    this.#at += text.length;
    return true;
  }

  accept(char: number, message: string): void {
    const found = this.peek();
    this.#at++;
    if (found !== char) throw this.error(message);
  }

  /** The rest of a group's name and its `>`. */
  groupName(first: number): string {
    if (!isLetter(first)) throw this.error('capturing group name does not start with a Latin letter');
    let name = '';
    let char = first;
    for (; isLetter(char) || isDigit(char); char = this.read()) name += String.fromCharCode(char);
    if (char !== code('>')) throw this.error("named capturing group is missing trailing '>'");
    return name;
  }

  /** The name after `\p`, one letter or in braces; the cursor is on the `p`. */
  propertyName(): string {
    let char = this.next();
    this.#at++;
    if (char !== code('{')) {
      if (char === 0) throw this.error('Unclosed character family');
      return String.fromCodePoint(char);
    }
    let name = '';
    for (char = this.read(); char !== code('}'); char = this.read()) {
      if (this.#at > this.#chars.length) throw this.error('Unclosed character family');
      name += String.fromCodePoint(char);
    }
    if (name === '') throw this.error('Empty character family');
    return name;
  }

  /** Letters of `(?imsdux-imsdux`, up to what is none. */
  readFlags(): void {
    let on = true;
    for (;;) {
      const letter = String.fromCodePoint(this.peek());
      if (letter === '-' && on) on = false;
      else if (letter === 'c') throw this.error('Canonical equivalence (?c) is not supported');
      else {
        const flags = letterFlags(letter, on);
        if (!flags) return;
        this.flags = { ...this.flags, ...flags };
      }
      this.#at++;
    }
  }

  /** What follows an atom: `?`, `*`, `+`, `{n,m}`, and then `?` or `+`. */
  quantifier(): { min: number; max: number; mode: RepeatNode['mode']; optional: boolean } | undefined {
    const char = this.peek();
    if (char === code('?')) return { min: 0, max: 1, optional: true, mode: this.#mode() };
    if (char === code('*')) return { min: 0, max: Infinity, optional: false, mode: this.#mode() };
    if (char === code('+')) return { min: 1, max: Infinity, optional: false, mode: this.#mode() };
    if (char !== code('{')) return undefined;
    if (!isDigit(this.rawAt(1))) throw this.error('Illegal repetition');
    this.#at++;
    const min = this.#number();
    let max = min;
    if (this.peek() === code(',')) {
      this.#at++;
      if (this.peek() === code('}')) max = Infinity;
      else if (isDigit(this.peek())) max = this.#number();
      else throw this.error('Illegal repetition');
    }
    if (this.peek() !== code('}')) throw this.error('Unclosed counted closure');
    if (max < min) throw this.error('Illegal repetition range');
    return { min, max, optional: false, mode: this.#mode() };
  }

  /** The character that an escape such as `\n`, `\x41` or `\.` stands for; the cursor is behind its first letter. */
  escapedChar(letter: number): number {
    switch (String.fromCodePoint(letter)) {
      case '0':
        return this.#octal();
      case 'x':
        return this.#hexadecimal();
      case 'u':
        return this.#unicode();
      case 'c':
        if (this.atEnd) throw this.error('Illegal control escape sequence');
        return this.read() ^ 64;
      case 'a':
        return 7;
      case 'e':
        return 0x1b;
      case 'f':
        return 0x0c;
      case 'n':
        return 0x0a;
      case 'r':
        return 0x0d;
      case 't':
        return 0x09;
      case 'N':
        throw this.error('Characters by name, \\N{…}, are not supported: write \\x{…} with the number of the character');
      default:
        if (isLetter(letter) || isDigit(letter)) throw this.error('Illegal/unsupported escape sequence');
        if (letter === 0 && this.#at > this.#chars.length) throw this.error('Unexpected internal error');
        return letter;
    }
  }

  #mode(): RepeatNode['mode'] {
    const char = this.next();
    if (char === code('?')) {
      this.#at++;
      return 'lazy';
    }
    if (char === code('+')) {
      this.#at++;
      return 'possessive';
    }
    return 'greedy';
  }

  #number(): number {
    let value = 0;
    for (; isDigit(this.peek()); this.#at++) {
      value = value * 10 + this.rawAt(0) - 48;
      if (value > 0x7fff_ffff) throw this.error('Illegal repetition range');
    }
    return value;
  }

  #octal(): number {
    if (!isOctal(this.peek())) throw this.error('Illegal octal escape sequence');
    let value = this.read() - 48;
    const limit = value <= 3 ? 2 : 1;
    for (let more = 0; more < limit && isOctal(this.peek()); more++) value = value * 8 + this.read() - 48;
    return value;
  }

  #hexadecimal(): number {
    const first = this.read();
    if (first === code('{') && isHexDigit(this.peek())) {
      let value = 0;
      let digit = this.read();
      for (; isHexDigit(digit); digit = this.read()) {
        value = value * 16 + Number.parseInt(String.fromCharCode(digit), 16);
        if (value > 0x10ffff) throw this.error('Hexadecimal codepoint is too big');
      }
      if (digit !== code('}')) throw this.error('Unclosed hexadecimal escape sequence');
      return value;
    }
    const second = isHexDigit(first) ? this.read() : 0;
    if (!isHexDigit(second)) throw this.error('Illegal hexadecimal escape sequence');
    return Number.parseInt(String.fromCharCode(first, second), 16);
  }

  #unicode(): number {
    const unit = this.#fourDigits();
    if (unit >= 0xd800 && unit <= 0xdbff && this.rawStartsWith('\\u')) {
      const before = this.#at;
      this.#at += 2;
      const low = this.#fourDigits();
      if (low >= 0xdc00 && low <= 0xdfff) return (unit - 0xd800) * 0x400 + (low - 0xdc00) + 0x10000;
      this.#at = before;
    }
    return unit;
  }

  #fourDigits(): number {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const digit = this.read();
      if (!isHexDigit(digit)) throw this.error('Illegal Unicode escape sequence');
      value = value * 16 + Number.parseInt(String.fromCharCode(digit), 16);
    }
    return value;
  }

  #skipComments(): void {
    if (!this.flags.comments) return;
    for (;;) {
      const char = this.rawAt(0);
      if (char === 0x20 || (char >= 9 && char <= 13)) this.#at++;
      else if (char === code('#')) while (!this.atEnd && !this.#isLineEnd(this.rawAt(0))) this.#at++;
      else return;
    }
  }

  #isLineEnd(char: number): boolean {
    return char === 10 || (!this.flags.unixLines && (char === 13 || char === 0x85 || char === 0x2028 || char === 0x2029));
  }
}

function letterFlags(letter: string, on: boolean): Partial<RegexFlags> | undefined {
  switch (letter) {
    case 'i':
      return { fold: on };
    case 'u':
      return { unicodeFold: on };
    case 's':
      return { dotAll: on };
    case 'm':
      return { multiline: on };
    case 'd':
      return { unixLines: on };
    case 'x':
      return { comments: on };
    case 'U':
      return on ? { unicodeClasses: true, unicodeFold: true } : { unicodeClasses: false, unicodeFold: false };
    default:
      return undefined;
  }
}

/** `\Q…\E` written with escapes: what is neither letter, digit nor beyond ASCII gets a backslash. */
function withoutQuotes(chars: readonly number[]): readonly number[] {
  if (!chars.some((char, at) => char === code('\\') && chars[at + 1] === code('Q'))) return chars;
  const result: number[] = [];
  let quoted = false;
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? 0;
    const isBackslash = char === code('\\');
    if (quoted && isBackslash && chars[at + 1] === code('E')) {
      quoted = false;
      at++;
    } else if (quoted) {
      // A digit could otherwise be read as part of an escape in front of the quotation.
      if (isDigit(char)) result.push(code('\\'), code('x'), code('3'));
      else if (char < 0x80 && !isLetter(char)) result.push(code('\\'));
      result.push(char);
    } else if (isBackslash && chars[at + 1] === code('Q')) {
      quoted = true;
      at++;
    } else {
      result.push(char);
      if (isBackslash && at + 1 < chars.length) result.push(chars[++at] ?? 0);
    }
  }
  return result;
}

function isLetter(char: number): boolean {
  return (char >= 65 && char <= 90) || (char >= 97 && char <= 122);
}

function isDigit(char: number): boolean {
  return char >= 48 && char <= 57;
}

function isOctal(char: number): boolean {
  return char >= 48 && char <= 55;
}

function isHexDigit(char: number): boolean {
  return isDigit(char) || (char >= 65 && char <= 70) || (char >= 97 && char <= 102);
}

function code(char: string): number {
  return char.charCodeAt(0);
}
