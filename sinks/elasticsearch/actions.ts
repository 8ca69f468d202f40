import type { Batch } from '../../core/batch.ts';
import type { Origin } from '../../core/component.ts';
import { EscapeError, type Escapes } from '../../core/path-escapes.ts';
import { DocumentError, timestampOf } from './documents.ts';

export interface ActionOptions {
  readonly operation: 'index' | 'create';
  readonly index: Escapes;
  /** The day of the event in UTC stands behind the name of the index, as Logstash had it. */
  readonly daily: boolean;
  /** `origin`: the event's number in its durable channel; `server`: made by the server; else a text with headers. */
  readonly id: 'origin' | 'server' | Escapes;
  readonly routing?: Escapes;
}

/** Elasticsearch refuses a whole request for a longer one. */
const MOST_ID_BYTES = 512;
const MOST_INDEX_BYTES = 255;
const CONTROL = /[\p{Cc}\u2028\u2029]/u;
/** What no name of an index may hold; a name that begins with `<` would be worked out as a date. */
const NOT_IN_INDEX = /[\\/*?"<>| ,#]/;
const DAY_MS = 86_400_000;
const MOST_DAYS = 100;

/** Makes the line in front of each document. Values of headers go in as JSON strings: none of them can become a line of its own. */
export class Actions {
  readonly #options: ActionOptions;
  readonly #days = new Map<number, string>();
  #lastIndex = '';
  #lastStart = '';

  constructor(options: ActionOptions) {
    this.#options = options;
  }

  /** Whether the events decide into which index they go. */
  get indexFromEvents(): boolean {
    return this.#options.index.headerNames.length > 0;
  }

  /** The ids of a batch, by what the options say. */
  ids(batch: Batch, origin: Origin | undefined): (index: number) => string | undefined {
    const { id } = this.#options;
    if (id === 'server') return () => undefined;
    if (id !== 'origin') return (index) => checkedId(id.expand((name) => batch.header(index, name)));
    return origin ? numbers(origin) : () => undefined;
  }

  /** One line of JSON without its end. Throws DocumentError, or EscapeError, for an event that has no place in any index. */
  line(batch: Batch, index: number, id: string | undefined, nowMs: number): string {
    const header = (name: string): string | undefined => batch.header(index, name);
    const { routing } = this.#options;
    const name = this.#indexName(header, nowMs);
    if (name !== this.#lastIndex) {
      this.#lastStart = `{"${this.#options.operation}":{"_index":${JSON.stringify(checkedIndex(name))}`;
      this.#lastIndex = name;
    }
    let line = this.#lastStart;
    if (id !== undefined) line += `,"_id":${JSON.stringify(id)}`;
    if (routing) line += routingOf(routing.expand(header));
    return `${line}}}`;
  }

  #indexName(header: (name: string) => string | undefined, nowMs: number): string {
    const { index, daily } = this.#options;
    const name = index.expand(header);
    return daily ? `${name}-${this.#day(timestampOf(header) ?? nowMs)}` : name;
  }

  /** yyyy-MM-dd. */
  #day(ms: number): string {
    const number = Math.floor(ms / DAY_MS);
    let day = this.#days.get(number);
    if (day === undefined) {
      if (this.#days.size >= MOST_DAYS) this.#days.clear();
      day = new Date(number * DAY_MS).toISOString().replace(/T.*/, '');
      this.#days.set(number, day);
    }
    return day;
  }
}

/** Whether an event and nothing else is to blame. */
export function isEventsFault(error: unknown): error is Error {
  return error instanceof DocumentError || error instanceof EscapeError;
}

/** The number of each event in the store of its channel, which it has whenever it is offered again. */
function numbers({ store, spans }: Origin): (index: number) => string | undefined {
  let span = 0;
  let begin = 0;
  return (index) => {
    if (index < begin) span = begin = 0;
    for (; span < spans.length; span++) {
      const [first, end] = spans[span] as readonly [number, number];
      if (index < begin + end - first) return `${store}-${first + index - begin}`;
      begin += end - first;
    }
    return undefined;
  };
}

function checkedId(id: string): string {
  if (id === '') throw new DocumentError('its id would be empty');
  if (CONTROL.test(id)) throw new DocumentError('its id would have control characters');
  if (Buffer.byteLength(id) > MOST_ID_BYTES) throw new DocumentError(`its id would be longer than ${MOST_ID_BYTES} bytes`);
  return id;
}

function checkedIndex(name: string): string {
  const shown = JSON.stringify(name.slice(0, 80));
  if (name === '' || name === '.' || name === '..') throw new DocumentError(`its index would be named ${shown}`);
  if (CONTROL.test(name) || NOT_IN_INDEX.test(name) || /^[-_+]/.test(name)) throw new DocumentError(`its index would be named ${shown}, which no index may be`);
  if (Buffer.byteLength(name) > MOST_INDEX_BYTES) throw new DocumentError(`the name of its index, ${shown}, would be longer than ${MOST_INDEX_BYTES} bytes`);
  return name;
}

function routingOf(value: string): string {
  if (CONTROL.test(value)) throw new DocumentError('its routing would have control characters');
  return value === '' ? '' : `,"routing":${JSON.stringify(value)}`;
}
