import type { Event } from '../../core/event.ts';

/** Names and values of every kind, and bodies that are no text. */
export function oddEvent(number: number): Event {
  const headers = new Map<string, string>([['number', String(number)]]);
  if (number % 3 === 0) headers.set('', 'a name without characters');
  if (number % 4 === 0) headers.set('ünïcödé \u{1f30a}', 'wërt\n\ttwo lines\u0000');
  if (number % 5 === 0) headers.set('long', 'x'.repeat(number % 1000));
  const body = number % 7 === 0 ? Buffer.from([0, 255, 10, 13, 128, number & 255]) : Buffer.from(`event ${number} ${'.'.repeat(number % 100)}`);
  return { headers: number % 6 === 1 ? new Map() : headers, body };
}

export function sortedHeaders(headers: ReadonlyMap<string, string> | undefined): [string, string][] {
  return [...(headers ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
}
