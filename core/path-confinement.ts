import { Buffer } from 'node:buffer';

/** Longest value of a header in a path, in bytes; the rest is cut off and replaced by a hash. */
const longestValue = 1000;
/** Longest part of a value between slashes, in bytes. */
const longestPiece = 200;
/** Longest part of a path, in bytes: what Linux file systems take. */
const longestPart = 255;

/**
 * A header's value as it may stand in a path. Kept: letters, digits and everything else that is harmless, and `/` between parts that are,
 * because Flume makes directories of it and existing files are to be found again. Written as `%XX` (each byte of UTF-8):
 *
 * - control characters, NUL and line ends among them, `\`, `%` before two hexadecimal digits (so that `..%2f` is not decoded later),
 *   characters that look like dots or slashes or change the direction of writing, and unpaired surrogates (as `%EF%BF%BD`);
 * - a part that is `.`, `..` or other dots and blanks only, with a `~` behind it; dots and blanks at the end of a part;
 * - `/` at the beginning or the end of the value, and before another `/`: no part is empty and no value is absolute.
 *
 * An empty value stays empty, as in Flume. More than 1000 bytes, or 200 in one part (the template may add to it), are cut and end in `~` and a hash of the whole value.
 */
export function confinePathValue(value: string): string {
  if (/^[A-Za-z0-9_](?:[A-Za-z0-9_.:@=+-]{0,126}[A-Za-z0-9_])?$/.test(value)) return value;
  if (value === '') return value;
  const encoded = encodeUnsafe(value.toWellFormed());
  const pieces = encoded.split('/');
  let result = '';
  pieces.forEach((piece, i) => {
    const isLast = i === pieces.length - 1;
    result += shorten(encodeDots(piece), longestPiece, value);
    if (isLast) return;
    const slashIsHarmless = piece !== '' && pieces[i + 1] !== '';
    result += slashIsHarmless ? '/' : '%2F';
  });
  return shorten(result, longestValue, value);
}

/**
 * Why a path made of harmless pieces is not: `%{a}%{b}` with `.` and `.` meet, or an empty value stands before a `/` of the template.
 * `undefined` if all is well.
 */
export function pathProblem(path: string, fixedPrefix: string): string | undefined {
  if (fixedPrefix === '' && path.startsWith('/')) return 'begins with "/", which the template does not';
  const begin = fixedPrefix.lastIndexOf('/') + 1;
  const rest = begin === 0 ? path : path.slice(begin);
  const dots = /(?:^|\/)(\.\.?)(?:\/|$)/.exec(rest);
  if (dots) return `has the part "${dots[1]}"`;
  // A UTF-16 unit is at most three bytes: short texts need no counting.
  if (rest.length * 3 <= longestPart) return undefined;
  if (rest.split('/').some((part) => Buffer.byteLength(part) > longestPart)) return `has a part of more than ${longestPart} bytes`;
  return undefined;
}

/**
 * Control characters, backslashes, look-alikes of dots and slashes, marks that change the direction, and percent signs that something
 * later could take for an encoding.
 */
const unsafe = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\\\u2024-\u2026\ufe52\uff0e\u3002\uff61\u2044\u2215\u29f8\uff0f\uff3c\ufe68\ufffd]|%(?=[0-9A-Fa-f]{2})/gu;

function encodeUnsafe(value: string): string {
  return value.replace(unsafe, (char) => percent(char));
}

/**
 * A part of dots only is none; dots and blanks at the end vanish on some file systems. URLs take `%2E%2E` for `..`, so a part that is
 * nothing else gets a `~` behind it, for sinks that hand the path on.
 */
function encodeDots(part: string): string {
  return part.replace(/[. ]+$/, (end) => (end === part ? `${percent(end)}~` : percent(end)));
}

function percent(text: string): string {
  return Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

function shorten(text: string, most: number, whole: string): string {
  if (Buffer.byteLength(text) <= most) return text;
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(whole)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  let kept = text;
  while (Buffer.byteLength(kept) > most - 17) kept = kept.slice(0, Math.max(0, kept.length - Math.ceil((Buffer.byteLength(kept) - most + 17) / 3)));
  // Not within an encoding, a pair of surrogates, or before a separator.
  kept = kept.replace(/%[0-9A-F]?$|[/\ud800-\udbff]$/, '');
  return `${kept}~${hash.toString(16).padStart(16, '0')}`;
}
