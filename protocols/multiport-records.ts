/**
 * Syslog records as Flume's `multiport_syslogtcp` reads them, which is not how its other two sources do (part 2 §14.3):
 *
 *     record    = "<" integer ">" ["1 "] timestamp " " host " " body
 *     timestamp = "-" | Mmm d hh:mm:ss | YYYY-MM-DDThh:mm:ss[.fraction](Z | (+|-)hh:mm | other)
 *
 * Times without a zone are those of UTC.
 */

const LINE_FEED = 10;
const RFC3164_LENGTH = 15;
const RFC5424_SHORTEST = 20;
const MONTH_MS = 31 * 24 * 3600 * 1000;

export interface Line {
  readonly begin: number;
  readonly end: number;
  /** It reached the length where lines are cut before it had an end. */
  readonly isCut: boolean;
}

/** The lines of `bytes` up to `longest` bytes, line feed included, without those that are empty; where the unfinished rest begins. */
export function linesOf(bytes: Buffer, longest: number): { readonly lines: readonly Line[]; readonly next: number } {
  const lines: Line[] = [];
  let begin = 0;
  while (begin < bytes.length) {
    const feed = bytes.indexOf(LINE_FEED, begin);
    const end = feed < 0 ? bytes.length : feed;
    if (end - begin >= longest) {
      lines.push({ begin, end: begin + longest, isCut: true });
      begin += longest;
      continue;
    }
    if (feed < 0) break;
    if (end > begin) lines.push({ begin, end, isCut: false });
    begin = feed + 1;
  }
  return { lines, next: begin };
}

export interface MultiportParts {
  /** As sent. */
  readonly priority: string;
  readonly version: string | undefined;
  /** As sent. */
  readonly stamp: string;
  readonly timestampMs: number;
  readonly host: string;
  /** Where the body begins in the text; `undefined`: nothing stands behind the host, and the record stays whole. */
  readonly body: number | undefined;
}

/** `undefined`: the record is invalid. */
export function multiportParts(text: string, nowMs: number): MultiportParts | undefined {
  const close = text.indexOf('>');
  if (text[0] !== '<' || close < 0 || close > 6) return undefined;
  const digits = text.slice(1, close);
  if (!/^[+-]?\d+$/.test(digits)) return undefined;
  let at = close + 1;
  const version = text.startsWith('1 ', at) && text.length > at + 2 ? '1' : undefined;
  if (version !== undefined) at += 2;
  const time = timeOf(text, at, nowMs);
  if (!time) return undefined;
  const afterHost = text.indexOf(' ', time.next);
  if (afterHost < 0) return undefined;
  const body = text.length > afterHost + 1 ? afterHost + 1 : undefined;
  return { priority: digits, version, stamp: time.stamp, timestampMs: time.ms, host: text.slice(time.next, afterHost), body };
}

function timeOf(text: string, at: number, nowMs: number): { readonly stamp: string; readonly ms: number; readonly next: number } | undefined {
  const first = text[at];
  if (first === undefined) return undefined;
  if (first === '-') return text.length > at + 2 ? { stamp: '-', ms: nowMs, next: at + 2 } : undefined;
  if (first >= 'A' && first <= 'Z') {
    const stamp = text.slice(at, at + RFC3164_LENGTH);
    // What is no time counts as the beginning of 1970, as in Flume.
    return text.length > at + RFC3164_LENGTH ? { stamp, ms: rfc3164Ms(stamp, nowMs) ?? 0, next: at + RFC3164_LENGTH + 1 } : undefined;
  }
  const blank = text.indexOf(' ', at);
  const stamp = text.slice(at, blank);
  const ms = blank < 0 ? undefined : rfc5424Ms(stamp);
  return ms === undefined ? undefined : { stamp, ms, next: blank + 1 };
}

function rfc5424Ms(stamp: string): number | undefined {
  if (stamp.length < RFC5424_SHORTEST) return undefined;
  const [all, fraction = ''] = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?/.exec(stamp) ?? [];
  if (all === undefined) return undefined;
  const ms = validMs(all.slice(0, 19));
  const rest = stamp.slice(all.length);
  if (ms === undefined || rest === '') return undefined;
  const thousandths = Number(fraction.slice(1, 4).padEnd(3, '0'));
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)/.exec(rest) ?? [];
  if (sign === undefined) return /^[+-]/.test(rest) ? undefined : ms + thousandths;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return ms + thousandths - (sign === '-' ? -offsetMs : offsetMs);
}

/** Of a date that there is, in UTC. */
function validMs(text: string): number | undefined {
  const date = new Date(`${text}.000Z`);
  return Number.isNaN(date.getTime()) || date.toISOString().slice(0, 19) !== text ? undefined : date.getTime();
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** In the latest year in which it is not more than a month ahead: clocks differ, and a year may just have ended. */
function rfc3164Ms(stamp: string, nowMs: number): number | undefined {
  const [, name = '', day = '', hour = '', minute = '', second = ''] = /^(\w{3}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)$/.exec(stamp) ?? [];
  const month = MONTHS.indexOf(name.toLowerCase());
  // Each date that some year has.
  if (month < 0 || validMs(`2000-${two(month + 1)}-${two(day)}T${hour}:${minute}:${second}`) === undefined) return undefined;
  const inYear = (year: number): number => {
    const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
    return Date.UTC(year, month, Math.min(Number(day), last), Number(hour), Number(minute), Number(second));
  };
  const year = new Date(nowMs).getUTCFullYear();
  return [year + 1, year, year - 1].map(inYear).find((ms) => ms <= nowMs + MONTH_MS);
}

function two(part: string | number): string {
  return String(part).padStart(2, '0');
}
