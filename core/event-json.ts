import type { Batch } from './batch.ts';

/** Bytes of a body that are shown; the rest is left out, and said. */
export const MOST_SHOWN_BYTES = 64 * 1024;

/** An event as text that every program can read. */
export interface EventJson {
  /** Position in its channel, where that is known. */
  readonly number?: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body where it is UTF-8. */
  readonly body?: string;
  /** The body where it is not. */
  readonly base64?: string;
  /** Bytes of the whole body, where only its beginning is shown. */
  readonly bytes?: number;
}

/** Nothing is cut with `mostBytes` = Infinity. */
export function eventJson(batch: Batch, index: number, number?: number, mostBytes = MOST_SHOWN_BYTES): EventJson {
  const whole = batch.body(index);
  const shown = whole.length > mostBytes ? whole.subarray(0, mostBytes) : whole;
  const text = utf8(shown, shown.length < whole.length);
  return {
    ...(number !== undefined && { number }),
    headers: Object.fromEntries(batch.headers(index)),
    ...(text === undefined ? { base64: shown.toString('base64') } : { body: text }),
    ...(shown.length < whole.length && { bytes: whole.length }),
  };
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Where the end was cut, a character of which only a part is left is left out. */
function utf8(bytes: Buffer, isCut: boolean): string | undefined {
  for (let end = bytes.length; end >= Math.max(0, bytes.length - (isCut ? 3 : 0)); end--) {
    try {
      return strict.decode(bytes.subarray(0, end));
    } catch {
      // The next shorter one.
    }
  }
  return undefined;
}
