import { cut, escapeControls } from '../../core/printable.ts';
import type { EventJson } from '../../core/event-json.ts';

const MOST_BODY = 200;
const MOST_HEADERS = 120;

/** `512 B`, `1.5 KB`, `34 MB`: in thousands, as disks are sold. */
export function size(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `12 s`, `3 min`, `5 h 20 min`, `2 d 3 h`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h${minutes % 60 > 0 ? ` ${minutes % 60} min` : ''}`;
  return `${Math.floor(hours / 24)} d${hours % 24 > 0 ? ` ${hours % 24} h` : ''}`;
}

/** Names and values side by side, lines indented; rows without a value are left out. */
export function rows(all: readonly (readonly [string, string | undefined])[]): string {
  const there = all.filter(([, value]) => value !== undefined) as readonly (readonly [string, string])[];
  const width = Math.max(0, ...there.map(([name]) => name.length));
  return there.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`).join('');
}

/** `##########----------` : how much of something is used. */
export function bar(fraction: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return '#'.repeat(full) + '-'.repeat(width - full);
}

/** One event as one line that no terminal can take for anything but text. */
export function eventLine({ number, headers, body, base64, bytes }: EventJson): string {
  const where = number === undefined ? '' : `${number}  `;
  const names = Object.entries(headers).map(([name, value]) => `${name}=${value}`);
  const head = names.length === 0 ? '' : `{${cut(escapeControls(names.join(', ')), MOST_HEADERS)}} `;
  const shown = body === undefined ? `(base64) ${cut(base64 ?? '', MOST_BODY)}` : cut(escapeControls(body), MOST_BODY);
  return `${where}${head}${shown}${bytes === undefined ? '' : ` (${bytes} bytes in all)`}\n`;
}
