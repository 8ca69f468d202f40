import type { PropertyNode } from 'properties-file/parser';
import { javaTrim } from '../../core/java-values.ts';
import { ConfigText } from './text.ts';
import type { Place, Problem, Rules } from '../plan/types.ts';
import { problem } from '../problems/problems.ts';

/** One `key = value` of a file, as the syntax gives it: unescaped, not trimmed, `${…}` untouched. */
export class RawProperty {
  readonly text: ConfigText;
  readonly key: string;
  readonly value: string;
  readonly #node: PropertyNode;

  constructor(text: ConfigText, node: PropertyNode) {
    this.text = text;
    this.key = node.key;
    this.value = node.value;
    this.#node = node;
  }

  get line(): number {
    return this.#node.startingLineNumber;
  }

  /** Whether a `=` or `:` stands behind the key; blanks would do, but text that is no property has them too. */
  get hasSign(): boolean {
    return this.#node.separatorChar !== undefined;
  }

  /** Where the key stands, or the part of it from `from` to `to` (UTF-16 units of the unescaped key). */
  keyPlace(from = 0, to = this.key.length): Place {
    const { leadingWhitespace, escapedKey } = this.#node;
    return this.#place(leadingWhitespace.length, escapedKey, from, to);
  }

  /** Where the value stands, or the part of it from `from` to `to`; the blanks around it are left out. Without a value: the key. */
  valuePlace(from?: number, to?: number): Place {
    const { leadingWhitespace, escapedKey, separatorLeading, separatorChar, separatorTrailing, escapedValue } = this.#node;
    if (javaTrim(escapedValue) === '') return this.keyPlace();
    const before =
      leadingWhitespace.length + escapedKey.length + separatorLeading.length + (separatorChar ? 1 : 0) + separatorTrailing.length;
    const trimmed = javaTrim(this.value);
    const begin = this.value.indexOf(trimmed);
    return this.#place(before, escapedValue, from ?? begin, to ?? begin + trimmed.length);
  }

  /** `part` begins at `start` of the logical line; `from` and `to` count its unescaped units. */
  #place(start: number, part: string, from: number, to: number): Place {
    const begin = start + escapedIndex(part, from);
    const end = start + escapedIndex(part, to);
    const { line, column, room } = this.#physical(begin);
    return { file: this.text.name, line, column, length: Math.max(1, Math.min(end - begin, room)) };
  }

  /** Line and column of a position in the logical line, which continuation lines make up. */
  #physical(position: number): { line: number; column: number; room: number } {
    const { rawLines, startingLineNumber } = this.#node;
    let rest = position;
    for (const [index, raw] of rawLines.entries()) {
      const last = index === rawLines.length - 1;
      const skipped = index === 0 ? 0 : raw.length - raw.replace(/^[ \t\f]+/, '').length;
      const length = raw.length - skipped - (last ? 0 : 1);
      if (rest < length || last) return { line: startingLineNumber + index, column: skipped + rest + 1, room: Math.max(1, length - rest) };
      rest -= length;
    }
    return { line: startingLineNumber, column: 1, room: 1 };
  }
}

export interface ParsedText {
  readonly text: ConfigText;
  /** In the order of the file; a key that stands there twice is here twice. */
  readonly properties: readonly RawProperty[];
  readonly problems: readonly Problem[];
  /** What ends the load of the whole configuration, in Flume's rules. */
  readonly fatal?: string;
}

/**
 * Reads the bytes of a properties file. By our own rules they are UTF-8 (without a byte order mark; what is not UTF-8 is read as
 * ISO-8859-1 and warned of); by Flume's they are ISO-8859-1 as `java.util.Properties` reads them, byte order mark and all.
 */
export async function parseProperties(name: string, bytes: Buffer, rules: Rules): Promise<ParsedText> {
  const problems: Problem[] = [];
  const text = new ConfigText(name, rules === 'flume' ? bytes.toString('latin1') : decode(name, bytes, problems));
  const malformed = malformedEscapes(text);
  if (malformed.length > 0 && rules === 'flume') return { text, properties: [], problems, fatal: 'Malformed \\uxxxx encoding.' };
  for (const { place } of malformed) {
    problems.push(
      problem('M004', { place, sentence: '\\u must be followed by exactly four hexadecimal digits', hint: 'write \\\\u for a backslash and a u' }),
    );
  }
  // Doubling the backslash keeps the rest of the file readable, so that its other problems are found too.
  const readable = malformed.reduceRight((rest, { offset }) => `${rest.slice(0, offset)}\\${rest.slice(offset)}`, text.text);
  const { Properties } = await import('properties-file/parser');
  const properties: RawProperty[] = [];
  for (const node of new Properties(readable).nodes) {
    if (node.type === 'property') properties.push(new RawProperty(text, node));
  }
  return { text, properties, problems };
}

function decode(name: string, bytes: Buffer, problems: Problem[]): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    const place = { file: name, line: 1, column: 1, length: 1 };
    problems.push(problem('M002', { severity: 'error', place, sentence: 'the file is in UTF-16', hint: 'save it as UTF-8' }));
    return new TextDecoder(bytes[0] === 0xff ? 'utf-16le' : 'utf-16be').decode(bytes);
  }
  try {
    // The decoder leaves out a byte order mark by itself.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    problems.push(
      problem('M002', {
        place: firstForeignByte(name, bytes),
        sentence: 'the file is not in UTF-8 and is read as ISO-8859-1',
        hint: 'save it as UTF-8, or write \\u00e9 and the like for letters beyond ASCII',
      }),
    );
    return bytes.toString('latin1');
  }
}

function firstForeignByte(name: string, bytes: Buffer): Place {
  let at = 0;
  // The first line that is no UTF-8 by itself holds the byte; line feeds are never part of a longer character.
  for (let line = 1; at < bytes.length; line++) {
    const end = bytes.indexOf(10, at);
    const part = bytes.subarray(at, end < 0 ? bytes.length : end);
    if (part.toString('utf8').includes('\ufffd')) {
      return { file: name, line, column: part.toString('utf8').indexOf('\ufffd') + 1, length: 1 };
    }
    if (end < 0) break;
    at = end + 1;
  }
  return { file: name, line: 1, column: 1, length: 1 };
}

interface Escape {
  readonly place: Place;
  /** Of the backslash, in the text. */
  readonly offset: number;
}

/** `\u` without four hexadecimal digits, in logical lines: the digits may stand on a continuation line. */
function malformedEscapes(text: ConfigText): Escape[] {
  if (!text.text.includes('\\u')) return [];
  const found: Escape[] = [];
  // Of the logical line so far: its text, and where each unit of it stands.
  let logical = '';
  let units: { line: number; column: number; offset: number }[] = [];
  const finish = (): void => {
    for (const { index } of logical.matchAll(/\\[^]/g)) {
      const unit = units[index];
      if (logical[index + 1] !== 'u' || /^[0-9a-fA-F]{4}/.test(logical.slice(index + 2)) || !unit) continue;
      found.push({ place: { file: text.name, line: unit.line, column: unit.column, length: 2 }, offset: unit.offset });
    }
    logical = '';
    units = [];
  };
  let offset = 0;
  for (const [index, end] of [...text.text.matchAll(/\r\n|\r|\n|$/g)].entries()) {
    const line = text.text.slice(offset, end.index);
    const skipped = logical === '' ? 0 : line.length - line.replace(/^[ \t\f]+/, '').length;
    const comment: boolean = units.length === 0 && /^[ \t\f]*[#!]/.test(line);
    const continued: boolean = !comment && /(?<!\\)(?:\\\\)*\\$/.test(line);
    if (!comment) {
      const part = line.slice(skipped, continued ? -1 : undefined);
      for (let at = 0; at < part.length; at++) units.push({ line: index + 1, column: skipped + at + 1, offset: offset + skipped + at });
      logical += part;
      if (!continued) finish();
    }
    offset = end.index + end[0].length;
  }
  finish();
  return found;
}

/** Where the unescaped unit `index` of an escaped text begins. */
function escapedIndex(escaped: string, index: number): number {
  if (!escaped.includes('\\')) return Math.min(index, escaped.length);
  let at = 0;
  for (let unit = 0; unit < index && at < escaped.length; unit++) {
    if (escaped[at] !== '\\') at += 1;
    else at += escaped[at + 1] === 'u' ? 6 : 2;
  }
  return Math.min(at, escaped.length);
}
