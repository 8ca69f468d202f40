import { Batch, type HeaderRows } from '../../core/batch.ts';
import type { JavaRegex } from '../../core/java-regex.ts';
import { LineScanner } from '../../core/line-scanner.ts';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** What becomes of a line that is longer than `maxLineBytes`. */
export type LongLines = 'split' | 'cut' | 'skip';

export interface LineRules {
  readonly maxLineBytes: number;
  readonly longLines: LongLines;
  /** Lines that begin an event; those between them belong to the event before. Absent: each line is an event. */
  readonly firstLine: JavaRegex | undefined;
  /** Lines of one event, with `firstLine`. */
  readonly maxEventLines: number;
}

export interface Lines {
  readonly bounds: Uint32Array;
  readonly count: number;
  /** Index of the bytes behind what `bounds` and `skipped` cover. */
  readonly end: number;
  /** Lines that were longer than they may be. */
  readonly tooLong: number;
}

const scanner = new LineScanner();

/**
 * The events in `bytes` from `from` on, at most `most` of them, each without its line feed and one carriage return before it. With a
 * pattern for first lines the last event is left for later, unless `closed` says that nothing more belongs to it.
 */
export function findLines(bytes: Buffer, from: number, most: number, rules: LineRules, closed: boolean): Lines {
  let bounds = scanner.scan(bytes, from);
  let { lines: count, next: end } = scanner;
  const { longest } = scanner;
  if (rules.firstLine) {
    const events = joinLines(bytes, bounds, count, rules, rules.firstLine, closed);
    ({ bounds, count } = events);
    end = count === 0 ? from : (bounds[2 * count - 1] as number) + 1;
  }
  if (count > most) {
    count = most;
    bounds = bounds.subarray(0, 2 * count);
    end = (bounds[2 * count - 1] as number) + 1;
  }
  trimCarriageReturns(bytes, bounds, count, from);
  if (longest > rules.maxLineBytes && count > 0) return { ...limitLines(bounds, count, rules), end };
  return { bounds, count, end, tooLong: 0 };
}

function trimCarriageReturns(bytes: Buffer, bounds: Uint32Array, count: number, from: number): void {
  if (count === 0) return;
  const first = bytes.indexOf(CARRIAGE_RETURN, from);
  if (first < 0 || first >= (bounds[2 * count - 1] as number)) return;
  for (let index = 1; index < 2 * count; index += 2) {
    const end = bounds[index] as number;
    if (end > (bounds[index - 1] as number) && bytes[end - 1] === CARRIAGE_RETURN) bounds[index] = end - 1;
  }
}

function joinLines(bytes: Buffer, lines: Uint32Array, count: number, rules: LineRules, firstLine: JavaRegex, closed: boolean): { bounds: Uint32Array; count: number } {
  const bounds = new Uint32Array(2 * count);
  let events = 0;
  let length = 0;
  for (let line = 0; line < count; line++) {
    const begin = lines[2 * line] as number;
    const end = lines[2 * line + 1] as number;
    const begun = bounds[2 * events - 2] as number;
    const joins = length > 0 && length < rules.maxEventLines && end - begun <= rules.maxLineBytes && !firstLine.test(bytes.toString('utf8', begin, end));
    if (joins) {
      length++;
    } else {
      bounds[2 * events] = begin;
      events++;
      length = 1;
    }
    bounds[2 * events - 1] = end;
  }
  const whole = closed || length >= rules.maxEventLines ? events : Math.max(0, events - 1);
  return { bounds: bounds.subarray(0, 2 * whole), count: whole };
}

function limitLines(bounds: Uint32Array, count: number, { maxLineBytes, longLines }: LineRules): Omit<Lines, 'end'> {
  const kept: number[] = [];
  let tooLong = 0;
  for (let line = 0; line < count; line++) {
    const begin = bounds[2 * line] as number;
    const end = bounds[2 * line + 1] as number;
    if (end - begin <= maxLineBytes) {
      kept.push(begin, end);
      continue;
    }
    tooLong++;
    if (longLines === 'cut') kept.push(begin, begin + maxLineBytes);
    if (longLines === 'split') for (let at = begin; at < end; at += maxLineBytes) kept.push(at, Math.min(end, at + maxLineBytes));
  }
  return { bounds: Uint32Array.from(kept), count: kept.length / 2, tooLong };
}

/** Where the line that begins at `from` ends, its line feed included; `undefined` where it does not end in `bytes`. */
export function lineEnd(bytes: Buffer, from: number): number | undefined {
  const at = bytes.indexOf(LINE_FEED, from);
  return at < 0 ? undefined : at + 1;
}

/** Length of `bytes` without the beginning of a UTF-8 character at their end. */
export function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needs > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** The header `byteoffset`: decimal offset of the event's first byte in its file; `base` is the offset of the first of the bytes. */
export function withOffsets(bytes: Buffer, bounds: Uint32Array, count: number, base: number): Batch {
  const at = (row: number): string => String(base + (bounds[2 * row] as number));
  const rows: HeaderRows = {
    at: (row) => new Map([['byteoffset', at(row)]]),
    get: (row, name) => (name === 'byteoffset' ? at(row) : undefined),
  };
  return Batch.over(bytes, bounds, count, rows);
}
