/**
 * Syslog records as Flume's `syslogtcp` and `syslogudp` read them:
 *
 *     record   = "<" digit{1,3} ">" data        anything else is an invalid record, kept whole
 *     rfc5424  = priority [version] [" "] (timestamp | "-") " " (host | "-") " " body
 *     rfc3164  = priority [digit] [" "] Mmm [" "] d hh:mm:ss " " host " " body
 *
 * A record ends with a line feed, with the datagram, or when it is as long as a record may be.
 */

const LINE_FEED = 10;
const RETURN = 13;
const OPEN = 0x3c;
const CLOSE = 0x3e;
const MOST_DIGITS = 3;

export interface SyslogRecord {
  readonly begin: number;
  readonly end: number;
  /** `undefined`: the record is invalid. */
  readonly priority: number | undefined;
  readonly isCut: boolean;
}

/** Finds the records of a stream. What is unfinished is handed in again, in front of what follows. */
export class RecordScanner {
  readonly #longest: number;
  /** Where the unfinished rest begins, after `scan`. */
  next = 0;

  /** `longest`: bytes of a record, its priority included. */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** `last`: the record at the end is whole, as in a datagram. */
  scan(bytes: Buffer, last = false): SyslogRecord[] {
    const records: SyslogRecord[] = [];
    let at = 0;
    for (;;) {
      while (at < bytes.length && bytes[at] === LINE_FEED) at++;
      if (at >= bytes.length) break;
      const record = this.#record(bytes, at, last);
      if (!record) break;
      records.push(record);
      at = record.end;
    }
    this.next = at;
    return records;
  }

  #record(bytes: Buffer, begin: number, last: boolean): SyslogRecord | undefined {
    const head = headOf(bytes, begin);
    if (!head) return last ? { begin, end: bytes.length, priority: undefined, isCut: false } : undefined;
    const feed = bytes.indexOf(LINE_FEED, head.data);
    const end = feed < 0 ? bytes.length : feed;
    const limit = Math.max(head.data, begin + this.#longest);
    if (end >= limit) return { begin, end: limit, priority: head.priority, isCut: true };
    return feed >= 0 || last ? { begin, end, priority: head.priority, isCut: false } : undefined;
  }
}

/** The priority, and where the data begin; `undefined`: not all of it is there. A byte that has no place in it belongs to the data. */
function headOf(bytes: Buffer, begin: number): { priority: number | undefined; data: number } | undefined {
  if (bytes[begin] !== OPEN) return { priority: undefined, data: begin + 1 };
  let priority = 0;
  for (let digits = 0; digits <= MOST_DIGITS; digits++) {
    const at = begin + 1 + digits;
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    if (byte === CLOSE && digits > 0) return { priority, data: at + 1 };
    if (byte < 0x30 || byte > 0x39 || digits === MOST_DIGITS) return { priority: undefined, data: at + 1 };
    priority = priority * 10 + byte - 0x30;
  }
  return undefined;
}

/** The parts of a record; `undefined` where it fits no pattern. */
export interface SyslogParts {
  readonly priority: string;
  readonly version: string | undefined;
  readonly stamp: string | undefined;
  readonly timestampMs: number | undefined;
  readonly host: string | undefined;
  /** Where the body begins in the record; its end is that of the record. */
  readonly body: number;
}

/** Tries a record of one's own form. `undefined`: it is none. */
export type CustomFormat = (text: string, nowMs: number) => SyslogParts | undefined;

const RFC5424 = /^<(\d{1,3})>(\d)?[ \t\v\f]?(?:(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:[+-]\d{2}:\d{2}|Z)?)|-)[ \t\v\f](?:(\w[\w.@-]*)|-)[ \t\v\f]/;
const RFC3164 = /^<(\d{1,3})>(\d)?[ \t\v\f]?([A-Z][a-z][a-z][ \t\v\f]{1,2}\d{1,2}[ \t\v\f]\d{2}:\d{2}:\d{2})[ \t\v\f](\w[\w.@-]*)[ \t\v\f]/;

/** `text`: the record, each byte a character. A CR in it fits no pattern. */
export function syslogParts(text: string, nowMs: number): SyslogParts | undefined {
  if (text.includes('\r')) return undefined;
  const later = RFC5424.exec(text);
  const found = later ?? RFC3164.exec(text);
  if (!found) return undefined;
  const [all, priority, version, stamp, host] = found;
  const timestampMs = stamp === undefined ? undefined : later ? rfc5424Ms(stamp) : rfc3164Ms(stamp, nowMs);
  return { priority: priority ?? '', version, stamp, timestampMs, host, body: all.length };
}

/** The end of a record without the CR of a CRLF. */
export function withoutReturn(bytes: Buffer, { begin, end }: SyslogRecord): number {
  return end > begin && bytes[end - 1] === RETURN ? end - 1 : end;
}

/**
 * As Flume reads it: with a fraction the zone has no effect, and the time is local; the fraction is a number of milliseconds of which the
 * first three digits count. Out of range parts roll over.
 */
function rfc5424Ms(stamp: string): number {
  const [, year, month, day, hour, minute, second, fraction, zone] = /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(?:\.(\d+))?(.*)$/.exec(stamp) ?? [];
  const parts = [Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)] as const;
  if (fraction !== undefined) return new Date(...parts, Number(fraction.slice(0, 3))).getTime();
  if (zone === undefined || zone === '') return new Date(...parts).getTime();
  if (zone === 'Z') return Date.UTC(...parts);
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  return Date.UTC(...parts) - (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Local time of this year, or of the year before or after, whichever is near. `undefined`: there is no such month. */
function rfc3164Ms(stamp: string, nowMs: number): number | undefined {
  const [, name, day, hour, minute, second] = /^(\w+)\s+(\d+)\s(\d+):(\d+):(\d+)$/.exec(stamp) ?? [];
  const month = MONTHS.indexOf((name ?? '').toLowerCase());
  if (month < 0) return undefined;
  const at = (year: number, months: number): Date => {
    const date = new Date(year, month, Number(day), Number(hour), Number(minute), Number(second));
    return months === 0 ? date : monthsLater(date, months);
  };
  const year = new Date(nowMs).getUTCFullYear();
  const date = at(year, 0);
  if (date.getTime() > nowMs && at(year, -1).getTime() > nowMs) return at(year, -12).getTime();
  if (date.getTime() < nowMs && at(year, 11).getTime() < nowMs) return at(year, 12).getTime();
  return date.getTime();
}

/** As Java's calendar: a day that the month does not have becomes its last. */
function monthsLater(date: Date, months: number): Date {
  const moved = new Date(date);
  moved.setDate(1);
  moved.setMonth(moved.getMonth() + months);
  const lastDay = new Date(moved.getFullYear(), moved.getMonth() + 1, 0).getDate();
  moved.setDate(Math.min(date.getDate(), lastDay));
  return moved;
}
