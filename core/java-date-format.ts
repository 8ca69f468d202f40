import { dayNames, formatOffset, isoWeek, monthNames, TimeZone } from './date-fields.ts';
import type { DateFields } from './date-fields.ts';
import { AgentError } from './errors.ts';

export { TimeZone } from './date-fields.ts';

/** Java refuses the pattern of a date, or this translation does not have one of its letters. */
export class DatePatternError extends AgentError {
  constructor(pattern: string, problem: string) {
    super('M122', `cannot use ${JSON.stringify(pattern)} as the pattern of a date: ${problem}`);
  }
}

/** A letter repeated `count` times, or literal text. */
export type DateToken = { readonly letter: string; readonly count: number } | { readonly literal: string };

/**
 * Cuts a pattern into letters and literal text; `'…'` quotes and `''` is a quote, in both of Java's pattern languages.
 * @throws DatePatternError if a quotation is not closed and `strict` is set
 */
export function tokenizeDatePattern(pattern: string, strict: boolean): DateToken[] {
  const tokens: DateToken[] = [];
  let literal = '';
  const flush = (): void => {
    if (literal !== '') tokens.push({ literal });
    literal = '';
  };
  for (let at = 0; at < pattern.length; ) {
    const char = pattern[at] ?? '';
    if (char === "'" && pattern[at + 1] === "'") {
      literal += "'";
      at += 2;
    } else if (char === "'") {
      const quoted = /^(?:[^']|'')*/.exec(pattern.slice(at + 1))?.[0] ?? '';
      at += quoted.length + 2;
      if (strict && at > pattern.length) throw new DatePatternError(pattern, 'a quotation is not closed');
      literal += quoted.replaceAll("''", "'");
    } else if (/[A-Za-z]/.test(char)) {
      flush();
      const begin = at;
      while (pattern[at] === char) at++;
      tokens.push({ letter: char, count: at - begin });
    } else {
      literal += char;
      at++;
    }
  }
  flush();
  return tokens;
}

export interface DateFormat {
  format(instant: number): string;
}

/**
 * Compiles a pattern of `java.text.SimpleDateFormat` for formatting, names in English. The last text is kept as long as the instant
 * stays the same: in the same second, for patterns without `S`.
 * @throws DatePatternError
 */
export function compileSimpleDateFormat(pattern: string, zone: TimeZone = TimeZone.of(undefined)): DateFormat {
  const tokens = tokenizeDatePattern(pattern, true);
  for (const token of tokens) {
    if ('letter' in token && !'GyYMLwWDdFEuaHkKhmsSzZX'.includes(token.letter)) {
      throw new DatePatternError(pattern, `the letter "${token.letter}" has no meaning`);
    }
    if ('letter' in token && token.letter === 'X' && token.count > 3) throw new DatePatternError(pattern, 'at most XXX is allowed');
  }
  const resolution = tokens.some((token) => 'letter' in token && token.letter === 'S') ? 1 : 1000;
  let last = Number.NaN;
  let text = '';
  return {
    format: (instant) => {
      const moment = Math.floor(instant / resolution);
      if (moment !== last) {
        const fields = zone.fieldsAt(instant);
        text = tokens.map((token) => ('literal' in token ? token.literal : formatField(token.letter, token.count, fields, zone, instant))).join('');
        last = moment;
      }
      return text;
    },
  };
}

function formatField(letter: string, count: number, fields: DateFields, zone: TimeZone, instant: number): string {
  const number = (value: number): string => String(value).padStart(count, '0');
  const name = (names: readonly string[], index: number): string => (count >= 4 ? (names[index] ?? '') : (names[index] ?? '').slice(0, 3));
  const year = (value: number): string => (count === 2 ? String(value % 100).padStart(2, '0') : number(value));
  switch (letter) {
    case 'G':
      return fields.year > 0 ? 'AD' : 'BC';
    case 'y':
      return year(fields.year > 0 ? fields.year : 1 - fields.year);
    case 'Y':
      return year(sundayWeek(fields).year);
    case 'M':
    case 'L':
      return count >= 3 ? name(monthNames, fields.month - 1) : number(fields.month);
    case 'w':
      return number(sundayWeek(fields).week);
    case 'W':
      return number(Math.floor((fields.day + weekdayOfFirst(fields) - 1) / 7) + 1);
    case 'D':
      return number(fields.dayOfYear);
    case 'd':
      return number(fields.day);
    case 'F':
      return number(Math.floor((fields.day - 1) / 7) + 1);
    case 'E':
      return name(dayNames, fields.weekday);
    case 'u':
      return number(fields.weekday === 0 ? 7 : fields.weekday);
    case 'a':
      return fields.hour < 12 ? 'AM' : 'PM';
    case 'H':
      return number(fields.hour);
    case 'k':
      return number(fields.hour === 0 ? 24 : fields.hour);
    case 'K':
      return number(fields.hour % 12);
    case 'h':
      return number(fields.hour % 12 === 0 ? 12 : fields.hour % 12);
    case 'm':
      return number(fields.minute);
    case 's':
      return number(fields.second);
    case 'S':
      return number(fields.millisecond);
    case 'z':
      return zoneName(zone, instant, count >= 4);
    case 'X':
      return formatX(fields.offsetMinutes * 60_000, count);
    default:
      return formatOffset(fields.offsetMinutes * 60_000, false);
  }
}

/** Weeks as Java counts them in the United States: they begin on Sunday, and January 1st is in week 1. */
function sundayWeek(fields: DateFields): { year: number; week: number } {
  const isLeap = (fields.year % 4 === 0 && fields.year % 100 !== 0) || fields.year % 400 === 0;
  const left = (isLeap ? 366 : 365) - fields.dayOfYear;
  if (left < 6 - fields.weekday) return { year: fields.year + 1, week: 1 };
  const weekdayOfJanuary1 = (((fields.weekday - fields.dayOfYear + 1) % 7) + 7) % 7;
  return { year: fields.year, week: Math.floor((fields.dayOfYear + weekdayOfJanuary1 - 1) / 7) + 1 };
}

function weekdayOfFirst(fields: DateFields): number {
  return (((fields.weekday - fields.day + 1) % 7) + 7) % 7;
}

function formatX(offsetMs: number, count: number): string {
  if (offsetMs === 0) return 'Z';
  const text = formatOffset(offsetMs, count === 3);
  return count === 1 ? text.slice(0, 3) : text;
}

function zoneName(zone: TimeZone, instant: number, long: boolean): string {
  if (/^GMT[+-]/.test(zone.id)) return zone.id;
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone.id === 'GMT' ? 'UTC' : zone.id, timeZoneName: long ? 'long' : 'short' });
  return format.formatToParts(instant).find((part) => part.type === 'timeZoneName')?.value ?? zone.id;
}

/** The ISO week of an instant, for those who name things by week. */
export function isoWeekAt(instant: number, zone: TimeZone): { year: number; week: number } {
  return isoWeek(zone.fieldsAt(instant));
}
