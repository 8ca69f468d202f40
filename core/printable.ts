/**
 * Text from outside, made fit for a log line or a terminal: one line stays one line, and nothing in it moves the cursor, changes
 * colours or turns the direction of writing.
 */

/**
 * C0, DEL and C1 controls; marks that change the direction of writing; line and paragraph separators; the byte order mark; halves of
 * surrogate pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;
const EVERY_UNPRINTABLE = new RegExp(UNPRINTABLE.source, 'gu');

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Unprintable characters become `\n`, `\r`, `\t` or `\u001b`; everything else stays, backslashes too. */
export function escapeControls(text: string): string {
  if (!UNPRINTABLE.test(text)) return text;
  return text.replace(EVERY_UNPRINTABLE, (found) => SHORT[found] ?? `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** At most `most` UTF-16 units of a text, with the number of those left out behind them. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const last = text.charCodeAt(most - 1);
  const end = last >= 0xd800 && last < 0xdc00 ? most - 1 : most;
  return `${text.slice(0, end)}… (${text.length - end} more characters)`;
}

/** `1234567` as `1,234,567`. `toLocaleString` says the same for 8 MB of memory. */
export function inThousands(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
