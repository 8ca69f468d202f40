import { AgentError } from './errors.ts';
import { dayNames, formatOffset, monthNames, TimeZone, utcMs } from './date-fields.ts';
import type { DateFields } from './date-fields.ts';
import { parseJavaBigLong } from './java-values.ts';
import { confinePathValue, pathProblem } from './path-confinement.ts';

/** An escape cannot be replaced for this event: no timestamp, one that is no number, or one that cannot be rounded. */
export class EscapeError extends AgentError {
  constructor(message: string) {
    super('M121', message);
  }
}

export interface HostNames {
  readonly localhost: string;
  readonly ip: string;
  readonly fqdn: string;
}

export interface Rounding {
  readonly unit: 'second' | 'minute' | 'hour';
  /** Up to 60, for hours up to 24; 0 and below mean 1. */
  readonly value: number;
}

export interface EscapeOptions {
  /** Default: the zone of the process. */
  readonly zone?: TimeZone;
  readonly round?: Rounding;
  /** Take the present time instead of the header `timestamp`. */
  readonly useLocalTimeStamp?: boolean;
  /** Default: `Date.now`. Read once per text. */
  readonly now?: () => number;
  /** For `%[localhost]` and its like; needed only if the template has them. */
  readonly hosts?: HostNames;
}

/** How a header's value is found. */
export type HeaderLookup = (name: string) => string | undefined;

export interface Escapes {
  /** The template has no escapes: `expand` gives it back for every event. */
  readonly isConstant: boolean;
  readonly needsTimestamp: boolean;
  /** The text before the first escape that an event decides (everything but `%[…]`, which is filled in). */
  readonly fixedPrefix: string;
  readonly headerNames: readonly string[];
  /**
   * The text for one event, values inserted as they are.
   * @throws EscapeError
   */
  expand(header: HeaderLookup): string;
  /**
   * As `expand` for a path that must stay below `fixedPrefix`. Values of headers, the `timestamp` shown by `%t` among them, are made
   * harmless by `confinePathValue`; for harmless values the result is the same, so that data ends up where Flume puts it.
   * @throws EscapeError also if a part of the path made of several pieces comes out as `.` or `..`, or longer than a file name can be
   */
  expandConfined(header: HeaderLookup): string;
}

/**
 * Compiles a text with escapes such as `%Y-%m-%d/%{host}`: the grammar of Flume's bucket paths. Times are formatted with English names.
 * @throws EscapeError for an unknown `%[name]` or a rounding out of range: such a text can never be used
 */
export function compileEscapes(template: string, options: EscapeOptions = {}): Escapes {
  checkRounding(options.round);
  const parts = parseTemplate(template, options.hosts);
  const needsTimestamp = parts.some((part) => typeof part !== 'string' && part.kind === 'time');
  const clock = needsTimestamp ? new EventClock(options) : undefined;
  const firstEscape = parts.findIndex((part) => typeof part !== 'string');
  const expandWith = (header: HeaderLookup, harmless: (value: string) => string): string => {
    const time = clock?.read(header);
    let text = '';
    for (const part of parts) {
      if (typeof part === 'string') text += part;
      else if (part.kind === 'header') text += harmless(header(part.name) ?? '');
      else if (time) text += part.letter === 't' ? harmless(time.text) : time.format(part.letter);
    }
    return text;
  };
  const fixedPrefix = (firstEscape === -1 ? parts : parts.slice(0, firstEscape)).filter((part) => typeof part === 'string').join('');
  return {
    isConstant: firstEscape === -1,
    needsTimestamp,
    fixedPrefix,
    headerNames: parts.flatMap((part) => (typeof part !== 'string' && part.kind === 'header' ? [part.name] : [])),
    expand: (header) => expandWith(header, (value) => value),
    expandConfined: (header) => {
      const path = expandWith(header, confinePathValue);
      const problem = pathProblem(path, fixedPrefix);
      if (problem === undefined) return path;
      throw new EscapeError(`cannot use the path made of ${JSON.stringify(template)} for this event: it ${problem}; check the values of its headers`);
    },
  };
}

type Part = string | { readonly kind: 'header'; readonly name: string } | { readonly kind: 'time'; readonly letter: string };

function parseTemplate(template: string, hosts: HostNames | undefined): Part[] {
  const parts: Part[] = [];
  const addText = (text: string): void => {
    const last = parts.length - 1;
    if (typeof parts[last] === 'string') parts[last] += text;
    else if (text !== '') parts.push(text);
  };
  let copied = 0;
  for (const match of template.matchAll(/%([A-Za-z0-9_%])|%\{([A-Za-z0-9_.-]+)\}|%\[([A-Za-z0-9_]+)\]/g)) {
    addText(template.slice(copied, match.index));
    copied = match.index + match[0].length;
    if (match[1] !== undefined) parts.push({ kind: 'time', letter: match[1] });
    else if (match[2] !== undefined) parts.push({ kind: 'header', name: match[2] });
    else addText(hostName(match[3] ?? '', hosts));
  }
  addText(template.slice(copied));
  return parts;
}

function hostName(name: string, hosts: HostNames | undefined): string {
  const value = { localhost: hosts?.localhost, ip: hosts?.ip, fqdn: hosts?.fqdn }[name.toLowerCase()];
  if (value !== undefined) return value;
  if (['localhost', 'ip', 'fqdn'].includes(name.toLowerCase())) throw new EscapeError(`cannot replace %[${name}]: the name of this host is not known here`);
  throw new EscapeError(`cannot replace %[${name}]: only %[localhost], %[IP] and %[FQDN] are known`);
}

function checkRounding(round: Rounding | undefined): void {
  if (!round) return;
  const most = round.unit === 'hour' ? 24 : 60;
  if (round.value > most) throw new EscapeError(`cannot round to ${round.value} ${round.unit}s: at most ${most} are allowed`);
}

/** The time of one event: the text that `%t` shows, and the other escapes. */
interface EventTime {
  readonly text: string;
  format(letter: string): string;
}

/** Reads an event's time and formats it; texts are kept for a second, because events of a second share them. */
class EventClock {
  readonly #options: EscapeOptions;
  readonly #zone: TimeZone;
  readonly #texts = new Map<string, string>();
  #last: EventTime | undefined;
  #second = Number.NaN;
  #rounded = 0;
  #roundedOf = Number.NaN;

  constructor(options: EscapeOptions) {
    this.#options = options;
    this.#zone = options.zone ?? TimeZone.of(undefined);
  }

  read(header: HeaderLookup): EventTime {
    const { useLocalTimeStamp, now, round } = this.#options;
    const text = useLocalTimeStamp ? String((now ?? Date.now)()) : header('timestamp');
    if (text === undefined) {
      throw new EscapeError(
        'cannot replace time escapes: the event has no header "timestamp"; add a timestamp interceptor to the source or use the local time stamp',
      );
    }
    // Events that came together often carry the same time.
    if (this.#last?.text === text) return this.#last;
    const given = parseTimestamp(text);
    if (round && given <= 0) throw new EscapeError(`cannot round the timestamp ${given}: it must be above 0`);
    const instant = round ? this.#roundDown(given, round) : given;
    // Truncated as Java divides: -1 ms and 1 ms are both in second 0 for %s, but not in the same one of the calendar.
    const second = this.#secondOf(instant);
    if (second !== this.#second) {
      this.#second = second;
      this.#texts.clear();
    }
    this.#last = { text, format: (letter) => this.#format(letter, instant) };
    return this.#last;
  }

  /** The second on the zone's clock, whose offset may in theory have a fraction of a second. */
  #secondOf(instant: number): number {
    return Math.floor((instant + (this.#zone.offsetMs(instant) % 1000)) / 1000);
  }

  #format(letter: string, instant: number): string {
    if (letter === 's') return String(Math.trunc(instant / 1000) + 0);
    let text = this.#texts.get(letter);
    if (text === undefined) {
      text = formatLetter(letter, this.#zone.fieldsAt(instant));
      this.#texts.set(letter, text);
    }
    return text;
  }

  #roundDown(instant: number, round: Rounding): number {
    const second = this.#secondOf(instant);
    if (second === this.#roundedOf) return this.#rounded;
    this.#roundedOf = second;
    this.#rounded = roundDown(instant, round, this.#zone);
    return this.#rounded;
  }
}

function parseTimestamp(text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  // Java reads the header without trimming it.
  const value = /\s/.test(text) ? undefined : parseJavaBigLong(text);
  const instant = Number(value);
  if (value === undefined || Math.abs(instant) > 8.64e15) {
    throw new EscapeError(`cannot replace time escapes: the header "timestamp" is ${JSON.stringify(text.slice(0, 40))}, not a time in milliseconds`);
  }
  return instant;
}

/** The instant with the field lowered to a multiple and all smaller fields 0, on the clock of the zone. */
function roundDown(instant: number, { unit, value }: Rounding, zone: TimeZone): number {
  const step = Math.max(1, value);
  const { year, month, day, hour, minute, second } = zone.fieldsAt(instant);
  const lower = (field: number): number => field - (field % step);
  const local = instant + zone.offsetMs(instant);
  if (unit === 'second') return instant - (((local % 1000) + 1000) % 1000) - (second % step) * 1000;
  const rounded =
    unit === 'minute' ? utcMs(year, month, day, hour, lower(minute), 0, 0) : utcMs(year, month, day, lower(hour), 0, 0, 0);
  // Within an hour the offset hardly ever changes: keeping it tells the two passes of a repeated hour apart.
  const sameOffset = rounded - zone.offsetMs(instant);
  if (zone.offsetMs(sameOffset) === zone.offsetMs(instant)) return sameOffset;
  return zone.instantOf(rounded, 'shift') ?? sameOffset;
}

function formatLetter(letter: string, fields: DateFields): string {
  const day = dayNames[fields.weekday] ?? '';
  const month = monthNames[fields.month - 1] ?? '';
  const hour12 = fields.hour % 12 === 0 ? 12 : fields.hour % 12;
  const year = fields.year > 0 ? fields.year : 1 - fields.year;
  switch (letter) {
    case '%':
      return '%';
    case 'a':
      return day.slice(0, 3);
    case 'A':
      return day;
    case 'b':
      return month.slice(0, 3);
    case 'B':
      return month;
    case 'c':
      return `${day.slice(0, 3)} ${month.slice(0, 3)} ${fields.day} ${two(fields.hour)}:${two(fields.minute)}:${two(fields.second)} ${four(year)}`;
    case 'd':
      return two(fields.day);
    case 'e':
      return String(fields.day);
    case 'D':
      return `${two(fields.month)}/${two(fields.day)}/${two(year % 100)}`;
    case 'H':
      return two(fields.hour);
    case 'k':
      return String(fields.hour);
    case 'I':
      return two(hour12);
    case 'l':
      return String(hour12);
    case 'j':
      return String(fields.dayOfYear).padStart(3, '0');
    case 'm':
      return two(fields.month);
    case 'n':
      return String(fields.month);
    case 'M':
      return two(fields.minute);
    case 'p':
      return fields.hour < 12 ? 'AM' : 'PM';
    case 'S':
      return two(fields.second);
    case 'y':
      return two(year % 100);
    case 'Y':
      return four(year);
    case 'z':
      return formatOffset(fields.offsetMinutes * 60_000, false);
    default:
      return '';
  }
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function four(value: number): string {
  return String(value).padStart(4, '0');
}
