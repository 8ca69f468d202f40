import { isUtf8 } from 'node:buffer';
import type { Batch } from '../../core/batch.ts';
import type { HeaderLookup } from '../../core/path-escapes.ts';

/** An event that no document can be made of; the message says why. */
export class DocumentError extends Error {}

export type DocumentMaker = (body: string, headers: ReadonlyMap<string, string>, nowMs: number) => string;

export interface DocumentOptions {
  /** `logstash` and `dynamic` are Flume's serializers; `body`: the body is a JSON object and the document. */
  readonly form: 'logstash' | 'dynamic' | 'body';
  /** A document without `@timestamp` gets one: data streams take no other. */
  readonly needsTimestamp: boolean;
}

export interface DecodingOptions {
  /** A body that is not UTF-8: unreadable bytes are replaced, each byte is read as a character of ISO 8859-1, or the event is refused. */
  readonly notUtf8: 'replace' | 'latin1' | 'reject';
  /** Called for each event whose bytes were replaced. */
  replaced(): void;
}

/** How far Flume looks for a brace (XContentFactory of Elasticsearch 0.90). */
const GUESS_BYTES = 20;
/** Header and the field that Logstash had for it. */
const LOGSTASH_FIELDS = [
  ['source', '@source'],
  ['type', '@type'],
  ['host', '@source_host'],
  ['src_path', '@source_path'],
] as const;

/** Turns events into the JSON texts of documents, each on one line. They throw DocumentError. */
export function documentMaker({ form, needsTimestamp }: DocumentOptions): DocumentMaker {
  if (form === 'body') return (body, headers, nowMs) => bodyDocument(body, headers, needsTimestamp ? nowMs : undefined);
  const bodyField = form === 'logstash' ? '"@message"' : '"body"';
  const headerFields = form === 'logstash' ? logstashFields : dynamicFields;
  // Events of one batch often share one map of headers.
  let last: ReadonlyMap<string, string> | undefined;
  let fields = '';
  return (body, headers, nowMs) => {
    if (headers !== last) fields = headerFields(headers);
    last = headers;
    const stamped = form === 'logstash' ? isStamped(headers) : headers.has('@timestamp');
    const stamp = needsTimestamp && !stamped ? `"@timestamp":"${iso(timestampOf((name) => headers.get(name)) ?? nowMs)}",` : '';
    return `{${stamp}${bodyField}:${valueText(body)}${fields}}`;
  };
}

/** The text of a body. Throws DocumentError. */
export function textOf(batch: Batch, event: number, { notUtf8, replaced }: DecodingOptions): string {
  const text = batch.bytes.toString('utf8', batch.bounds[2 * event], batch.bounds[2 * event + 1]);
  // What stands for unreadable bytes may also have been sent as such.
  if (!text.includes('\ufffd') || isUtf8(batch.body(event))) return text;
  if (notUtf8 === 'reject') throw new DocumentError('its body is not UTF-8');
  if (notUtf8 === 'latin1') return batch.body(event).toString('latin1');
  replaced();
  return text;
}

/** Header `timestamp`, else `@timestamp`, in milliseconds; `undefined` without both. Throws DocumentError where it is no number. */
export function timestampOf(header: HeaderLookup): number | undefined {
  const own = header('timestamp');
  const text = isBlank(own) ? header('@timestamp') : own;
  return text === undefined || isBlank(text) ? undefined : milliseconds(text);
}

/** What ElasticSearchLogStashEventSerializer puts behind the body. */
function logstashFields(headers: ReadonlyMap<string, string>): string {
  let fields = '';
  if (isStamped(headers)) fields += `,"@timestamp":"${iso(milliseconds(headers.get('timestamp') ?? ''))}"`;
  for (const [header, field] of LOGSTASH_FIELDS) {
    const value = headers.get(header);
    if (value !== undefined && !isBlank(value) && isBlank(headers.get(field))) fields += `,"${field}":${valueText(value)}`;
  }
  return `${fields},"@fields":{${pairs(headers)}}`;
}

/** ElasticSearchDynamicSerializer. */
function dynamicFields(headers: ReadonlyMap<string, string>): string {
  return headers.size === 0 ? '' : `,${pairs(headers)}`;
}

function bodyDocument(body: string, headers: ReadonlyMap<string, string>, nowMs: number | undefined): string {
  const text = body.trim();
  const object = text.startsWith('{') ? parsed(text) : undefined;
  if (object === undefined) throw new DocumentError('its body is no JSON object, and serializer bodies are to be the documents');
  if (nowMs === undefined || Object.hasOwn(object as object, '@timestamp')) return onOneLine(text);
  const stamp = `"@timestamp":"${iso(timestampOf((name) => headers.get(name)) ?? nowMs)}"`;
  const rest = onOneLine(text).slice(1).trimStart();
  return rest.startsWith('}') ? `{${stamp}${rest}` : `{${stamp},${rest}`;
}

function isStamped(headers: ReadonlyMap<string, string>): boolean {
  return !isBlank(headers.get('timestamp')) && isBlank(headers.get('@timestamp'));
}

function pairs(headers: ReadonlyMap<string, string>): string {
  let text = '';
  for (const [name, value] of headers) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${valueText(value)}`;
  return text;
}

/**
 * A value as Flume writes it (ContentBuilderUtil): what has a brace among its first bytes and is JSON becomes a part of the document as it
 * stands, all else is a string. Of several JSON values in a row Flume writes the first and drops the others; they are a string here.
 */
function valueText(text: string): string {
  const brace = text.indexOf('{');
  if (brace < 0 || Buffer.byteLength(text.slice(0, brace)) >= GUESS_BYTES || parsed(text) === undefined) return JSON.stringify(text);
  return onOneLine(text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** In JSON line ends stand only between values, where a blank does as well: a document never has two lines. */
function onOneLine(json: string): string {
  return json.includes('\n') || json.includes('\r') ? json.replace(/[\r\n]/g, ' ') : json;
}

function milliseconds(text: string): number {
  const value = /^[+-]?[0-9]{1,19}$/.test(text) ? Number(text) : Number.NaN;
  if (!(Math.abs(value) <= 8.64e15)) throw new DocumentError(`its timestamp ${JSON.stringify(text.slice(0, 40))} is no number of milliseconds`);
  return value;
}

/** ISO 8601 in UTC, with milliseconds. */
function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isBlank(text: string | undefined): boolean {
  return text === undefined || text.trim() === '';
}
