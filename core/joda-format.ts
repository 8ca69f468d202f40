import { AgentError } from './errors.ts';
import { dayNames, monthNames, TimeZone, utcMs } from './date-fields.ts';
import { DatePatternError, tokenizeDatePattern } from './java-date-format.ts';
import type { DateToken } from './java-date-format.ts';

/** A text does not fit the pattern, or is no date: a wrong month, February 30th, a time that a change of the clock skips. */
export class DateParseError extends AgentError {
  constructor(text: string, pattern: string, problem: string) {
    super('M123', `cannot read ${JSON.stringify(text.slice(0, 80))} as a date of the form ${JSON.stringify(pattern)}: ${problem}`);
  }
}

export interface DateParser {
  /**
   * Milliseconds since 1970.
   * @throws DateParseError
   */
  parse(text: string): number;
}

/**
 * Compiles a Joda-Time pattern for reading, in the given zone unless the text names its offset. Names are English, in any letter case.
 * Absent fields are those of 1970-01-01T00:00; with a month or day but no year the year is 2000. Zone names (`z`) other than the handful Joda
 * knows by itself cannot be read, in Joda neither.
 * @throws DatePatternError
 */
export function compileJodaParser(pattern: string, zone: TimeZone = TimeZone.of(undefined)): DateParser {
  if (pattern === '') throw new DatePatternError(pattern, 'it is empty');
  const tokens = tokenizeDatePattern(pattern, false);
  const steps = tokens.map((token, i) => stepFor(token, tokens[i + 1], pattern));
  return {
    parse: (text) => {
      const state: State = { text, at: 0, fields: new Map(), zone: undefined };
      for (const step of steps) {
        if (!step(state)) throw new DateParseError(text, pattern, `it does not fit at position ${state.at}`);
      }
      if (state.at !== text.length) throw new DateParseError(text, pattern, `there is more text from position ${state.at}`);
      try {
        return instantOf(state, zone);
      } catch (cause) {
        if (cause instanceof RangeError) throw new DateParseError(text, pattern, cause.message);
        throw cause;
      }
    },
  };
}

type Field = 'era' | 'century' | 'year' | 'weekYear' | 'month' | 'week' | 'day' | 'dayOfYear' | 'weekday' | 'half' | 'hour' | 'minute' | 'second' | 'fraction' | 'hour12';

interface State {
  readonly text: string;
  at: number;
  readonly fields: Map<Field, number>;
  zone: TimeZone | undefined;
}

/** Takes its part of the text; false if it does not fit. */
type Step = (state: State) => boolean;

function stepFor(token: DateToken, next: DateToken | undefined, pattern: string): Step {
  if ('literal' in token) return literal(token.literal);
  const { letter, count } = token;
  const adjacent = isNumeric(next);
  switch (letter) {
    case 'G':
      return names('era', ['BC', 'AD'], 0);
    case 'C':
      return number('century', adjacent ? count : 9, true);
    case 'y':
    case 'Y':
      return count === 2 ? twoDigitYear('year', !adjacent) : number('year', adjacent ? count : 9, letter === 'y');
    case 'x':
      return count === 2 ? twoDigitYear('weekYear', !adjacent) : number('weekYear', adjacent ? count : 9, true);
    case 'M':
      return count >= 3 ? names('month', monthNames, 1) : number('month', 2, true);
    case 'w':
      return number('week', 2, true);
    case 'd':
      return number('day', 2, true);
    case 'D':
      return number('dayOfYear', 3, true);
    case 'e':
      return number('weekday', 1, true);
    case 'E':
      return names('weekday', [...dayNames.slice(1), dayNames[0]], 1);
    case 'a':
      return names('half', ['AM', 'PM'], 0);
    case 'H':
      return ranged('hour', 0, 23);
    case 'k':
      return ranged('hour', 1, 24);
    case 'K':
      return ranged('hour12', 0, 11);
    case 'h':
      return ranged('hour12', 1, 12);
    case 'm':
      return ranged('minute', 0, 59);
    case 's':
      return ranged('second', 0, 59);
    case 'S':
      return fraction(count);
    case 'z':
      if (count >= 4) return () => false;
      return zoneAbbreviation;
    case 'Z':
      return count >= 3 ? zoneId : zoneOffset;
    default:
      throw new DatePatternError(pattern, `the letter "${letter}" has no meaning`);
  }
}

function isNumeric(token: DateToken | undefined): boolean {
  if (token === undefined || 'literal' in token) return false;
  return 'cCxyYdhHmsSeDFwWkK'.includes(token.letter) || (token.letter === 'M' && token.count <= 2);
}

function literal(text: string): Step {
  return (state) => {
    if (state.text.slice(state.at, state.at + text.length).toLowerCase() !== text.toLowerCase()) return false;
    state.at += text.length;
    return true;
  };
}

function takeNumber(state: State, most: number, signed: boolean): number | undefined {
  let at = state.at;
  const sign = signed && /[+-]/.test(state.text[at] ?? '') && isDigit(state.text[at + 1]) ? state.text[at++] : undefined;
  const begin = at;
  while (at - begin < most && isDigit(state.text[at])) at++;
  if (at === begin) return undefined;
  state.at = at;
  const value = Number(state.text.slice(begin, at));
  return sign === '-' ? -value : value;
}

function number(field: Field, most: number, signed: boolean): Step {
  return (state) => {
    const value = takeNumber(state, most, signed);
    if (value !== undefined) state.fields.set(field, value);
    return value !== undefined;
  };
}

/** The wrong hour is found out in the end, as for all fields; 24 of 1–24 and 12 of 1–12 are 0. */
function ranged(field: Field, least: number, most: number): Step {
  return (state) => {
    const value = takeNumber(state, 2, true);
    if (value === undefined) return false;
    if (value < least || value > most) throw new DateParseError(state.text, field, `${value} is not between ${least} and ${most}`);
    state.fields.set(field, least === 1 && value === most ? 0 : value);
    return true;
  };
}

/** Two digits are a year from 80 years ago to 19 years ahead; more or fewer are the year itself if `lenient`. */
function twoDigitYear(field: Field, lenient: boolean): Step {
  return (state) => {
    const rest = /^([+-]?)(\d+)/.exec(state.text.slice(state.at));
    const digits = rest?.[2] ?? '';
    if (lenient && rest && (rest[1] !== '' || digits.length !== 2)) return number(field, 9, true)(state);
    if (!/^\d\d/.test(state.text.slice(state.at))) return false;
    const value = Number(state.text.slice(state.at, state.at + 2));
    const low = new Date().getUTCFullYear() - 30 - 50;
    state.fields.set(field, low + ((((value - low) % 100) + 100) % 100));
    state.at += 2;
    return true;
  };
}

function names(field: Field, values: readonly string[], first: number): Step {
  // The longest name first, and the short names as well: "May" is both.
  const all = values.flatMap((name, i) => [
    { name: name.toLowerCase(), value: i + first },
    { name: name.slice(0, 3).toLowerCase(), value: i + first },
  ]);
  all.sort((left, right) => right.name.length - left.name.length);
  return (state) => {
    const rest = state.text.slice(state.at, state.at + 10).toLowerCase();
    const found = all.find(({ name }) => rest.startsWith(name));
    if (!found) return false;
    state.fields.set(field, found.value);
    state.at += found.name.length;
    return true;
  };
}

function fraction(most: number): Step {
  return (state) => {
    const begin = state.at;
    while (state.at - begin < most && isDigit(state.text[state.at])) state.at++;
    state.fields.set('fraction', Math.floor(Number(`0.${state.text.slice(begin, state.at)}0`) * 1000 + 1e-9));
    return true;
  };
}

function zoneOffset(state: State): boolean {
  const match = /^(?:Z|([+-])(\d{2})(?::?([0-5]\d)(?::?([0-5]\d)(?:[.,]?(\d{1,3}))?)?)?)/.exec(state.text.slice(state.at, state.at + 16));
  if (!match || Number(match[2] ?? 0) > 23) return false;
  const milliseconds = ((Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0)) * 60 + Number(match[4] ?? 0)) * 1000 + Number((match[5] ?? '0').padEnd(3, '0'));
  state.zone = TimeZone.fixed(match[1] === '-' ? -milliseconds : milliseconds);
  state.at += match[0].length;
  return true;
}

function zoneId(state: State): boolean {
  const name = /^[A-Za-z][A-Za-z0-9_+/-]*/.exec(state.text.slice(state.at, state.at + 64))?.[0];
  if (name === undefined) return zoneOffset(state);
  const zone = TimeZone.find(name);
  if (!zone) return false;
  state.zone = zone;
  state.at += name.length;
  return true;
}

const abbreviations: ReadonlyMap<string, string> = new Map([
  ['UTC', 'UTC'],
  ['GMT', 'UTC'],
  ['UT', 'UTC'],
  ['EST', 'America/New_York'],
  ['EDT', 'America/New_York'],
  ['CST', 'America/Chicago'],
  ['CDT', 'America/Chicago'],
  ['MST', 'America/Denver'],
  ['MDT', 'America/Denver'],
  ['PST', 'America/Los_Angeles'],
  ['PDT', 'America/Los_Angeles'],
]);

function zoneAbbreviation(state: State): boolean {
  for (const [short, id] of abbreviations) {
    if (!state.text.startsWith(short, state.at)) continue;
    state.zone = TimeZone.of(id);
    state.at += short.length;
    return true;
  }
  return false;
}

function instantOf(state: State, zone: TimeZone): number {
  const { fields } = state;
  let day = dateOf(fields);
  const weekday = fields.get('weekday');
  if (weekday !== undefined) {
    checkRange('day of the week', weekday, 1, 7);
    // Joda moves within the week that the other fields tell.
    day += weekday - ((((day + 3) % 7) + 7) % 7) - 1;
  }
  const hour = fields.get('hour') ?? (fields.get('hour12') ?? 0) + 12 * (fields.get('half') ?? 0);
  const seconds = (hour * 60 + (fields.get('minute') ?? 0)) * 60 + (fields.get('second') ?? 0);
  const local = day * 86_400_000 + seconds * 1000 + (fields.get('fraction') ?? 0);
  const instant = (state.zone ?? zone).instantOf(local, 'refuse');
  if (instant === undefined) throw new RangeError('the clock was put forward and skipped this time');
  return instant;
}

/** Days since 1970-01-01. */
function dateOf(fields: ReadonlyMap<Field, number>): number {
  const toDay = (year: number, month: number, day: number): number => utcMs(year, month, day, 0, 0, 0, 0) / 86_400_000;
  const hasYear = fields.has('year') || fields.has('century');
  const partial = ['month', 'day', 'dayOfYear', 'week', 'weekday'].some((field) => fields.has(field as Field));
  let year = fields.get('year') ?? (fields.get('century') ?? 0) * 100;
  if (!hasYear) year = partial ? 2000 : 1970;
  if (fields.get('era') === 0) year = 1 - year;
  if (fields.has('week') || fields.has('weekYear')) {
    const week = fields.get('week') ?? 1;
    const weekYear = fields.get('weekYear') ?? year;
    checkRange('week', week, 1, 53);
    const january4 = toDay(weekYear, 1, 4);
    return january4 - ((((january4 + 3) % 7) + 7) % 7) + (week - 1) * 7;
  }
  const dayOfYear = fields.get('dayOfYear');
  if (dayOfYear !== undefined && !fields.has('day')) {
    checkRange('day of the year', dayOfYear, 1, toDay(year + 1, 1, 1) - toDay(year, 1, 1));
    return toDay(year, 1, 1) + dayOfYear - 1;
  }
  const month = fields.get('month') ?? 1;
  const day = fields.get('day') ?? 1;
  checkRange('month', month, 1, 12);
  checkRange('day', day, 1, toDay(year, month + 1, 1) - toDay(year, month, 1));
  return toDay(year, month, day);
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (value < least || value > most) throw new RangeError(`the ${name} ${value} is not between ${least} and ${most}`);
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= '0' && char <= '9';
}
