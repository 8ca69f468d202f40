/** Calendar fields of an instant in a zone, as Java's GregorianCalendar and Joda-Time both give them for modern dates. */
export interface DateFields {
  readonly year: number;
  /** 1–12 */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly dayOfYear: number;
  /** Minutes east of Greenwich; fractions for zones with seconds in their offset. */
  readonly offsetMinutes: number;
}

export const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
export const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

/**
 * A time zone. Offsets are asked from `Intl` once per quarter of an hour and kept, because zones change their offset on such borders only.
 */
export class TimeZone {
  readonly id: string;
  readonly #formatter: Intl.DateTimeFormat | undefined;
  readonly #fixedMs: number;
  readonly #offsets = new Map<number, number>();
  #lastQuarter = Number.NaN;
  #lastOffset = 0;

  /** @param id an IANA name or `GMT+hh:mm` */
  private constructor(id: string, formatter: Intl.DateTimeFormat | undefined, fixedMs: number) {
    this.id = id;
    this.#formatter = formatter;
    this.#fixedMs = fixedMs;
  }

  /** The zone as Java's `TimeZone.getTimeZone` finds it: IANA names and `GMT+5:30`; what it does not know is GMT. */
  static of(id: string | undefined): TimeZone {
    return TimeZone.find(id) ?? TimeZone.utc;
  }

  /** The zone, or `undefined` if there is none of that name. Without a name: the zone of the process. */
  static find(id: string | undefined): TimeZone | undefined {
    const name = id ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
    let zone = zones.get(name);
    if (!zone) {
      zone = TimeZone.#create(name);
      if (!zone) return undefined;
      if (zones.size > 500) zones.clear();
      zones.set(name, zone);
    }
    return zone;
  }

  static readonly utc = new TimeZone('GMT', undefined, 0);

  /** A zone that is always so many milliseconds east of Greenwich. */
  static fixed(offsetMs: number): TimeZone {
    return new TimeZone(`GMT${formatOffset(offsetMs, true)}`, undefined, offsetMs);
  }

  static #create(name: string): TimeZone | undefined {
    if (['GMT', 'UTC', 'Z', 'UT', 'Etc/UTC', 'Etc/GMT'].includes(name)) return TimeZone.utc;
    const custom = /^GMT([+-])(\d{1,2})(?::?([0-5]\d))?$/.exec(name);
    if (custom && Number(custom[2]) <= 23) {
      const minutes = Number(custom[2]) * 60 + Number(custom[3] ?? 0);
      return TimeZone.fixed((custom[1] === '-' ? -minutes : minutes) * 60_000);
    }
    // Intl also takes "+05:30", which Java does not know.
    if (!/^[A-Za-z]/.test(name)) return undefined;
    try {
      return new TimeZone(name, new Intl.DateTimeFormat('en-US', { ...fieldOptions, timeZone: name }), 0);
    } catch {
      return undefined;
    }
  }

  /** Milliseconds east of Greenwich at an instant. */
  offsetMs(instant: number): number {
    if (!this.#formatter) return this.#fixedMs;
    const quarter = Math.floor(instant / 900_000);
    if (quarter === this.#lastQuarter) return this.#lastOffset;
    let offset = this.#offsets.get(quarter);
    if (offset === undefined) {
      offset = this.#ask(quarter * 900_000);
      if (this.#offsets.size > 2_000) this.#offsets.clear();
      this.#offsets.set(quarter, offset);
    }
    this.#lastQuarter = quarter;
    this.#lastOffset = offset;
    return offset;
  }

  #ask(instant: number): number {
    const parts = new Map(this.#formatter?.formatToParts(instant).map((part) => [part.type, part.value]));
    const field = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
    const year = parts.get('era') === 'BC' ? 1 - field('year') : field('year');
    const local = utcMs(year, field('month'), field('day'), field('hour'), field('minute'), field('second'), 0);
    return local - instant;
  }

  fieldsAt(instant: number): DateFields {
    const offset = this.offsetMs(instant);
    const date = new Date(instant + offset);
    const year = date.getUTCFullYear();
    return {
      year,
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
      millisecond: date.getUTCMilliseconds(),
      weekday: date.getUTCDay(),
      dayOfYear: Math.floor((instant + offset - utcMs(year, 1, 1, 0, 0, 0, 0)) / 86_400_000) + 1,
      offsetMinutes: offset / 60_000,
    };
  }

  /**
   * The instant of a local time given as if it were UTC. A time that a change of the clock repeats is the earlier one; one that it skips is
   * moved on by `gap: 'shift'` (as Java's calendar does) and answered by `undefined` with `gap: 'refuse'` (as Joda-Time does).
   */
  instantOf(localMs: number, gap: 'shift' | 'refuse'): number | undefined {
    const before = this.offsetMs(localMs - 86_400_000);
    const after = this.offsetMs(localMs + 86_400_000);
    for (const offset of before >= after ? [before, after] : [after, before]) {
      if (this.offsetMs(localMs - offset) === offset) return localMs - offset;
    }
    return gap === 'shift' ? localMs - before : undefined;
  }
}

const zones = new Map<string, TimeZone>();

const fieldOptions = {
  calendar: 'gregory',
  numberingSystem: 'latn',
  era: 'short',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
  hourCycle: 'h23',
} as const satisfies Intl.DateTimeFormatOptions;

/** As `Date.UTC`, which takes the years 0–99 for 1900–1999. */
export function utcMs(year: number, month: number, day: number, hour: number, minute: number, second: number, millisecond: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, millisecond);
  return date.getTime();
}

/** `+0530`, with a colon `+05:30`. */
export function formatOffset(offsetMs: number, colon: boolean): string {
  const minutes = Math.floor(Math.abs(offsetMs) / 60_000);
  const text = (value: number): string => String(value).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${text(Math.floor(minutes / 60))}${colon ? ':' : ''}${text(minutes % 60)}`;
}

/** Week of a week year that begins on Monday, with at least four days in the first week (ISO 8601). */
export function isoWeek(fields: DateFields): { year: number; week: number } {
  const weekday = fields.weekday === 0 ? 7 : fields.weekday;
  const thursday = new Date(utcMs(fields.year, fields.month, fields.day + 4 - weekday, 0, 0, 0, 0));
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - utcMs(year, 1, 1, 0, 0, 0, 0)) / 604_800_000) + 1 };
}
