import { isUtf8 } from 'node:buffer';
import { setImmediate as turn } from 'node:timers/promises';
import { Batch, headerRows } from '../../../core/batch.ts';
import type { HttpRequest } from '../../../core/component.ts';
import { BadRequestError } from '../../../core/errors.ts';
import { JsonEvents } from './json-events.ts';

/** Time after which everything else gets a turn. */
const TURN_MS = 10;
const EVENTS_BETWEEN_LOOKS = 64;
const NO_HEADERS: ReadonlyMap<string, string> = new Map();

/**
 * The events of a request in JSON. The text is UTF-8 unless the content type names another character set; without a name, bytes that are no
 * UTF-8 are taken for ISO-8859-1. Bodies are in the character set of the request, as in Flume: big-endian, UTF-16 with a byte order mark.
 */
export async function readJsonEvents({ body, contentType, headers }: HttpRequest): Promise<Batch> {
  const encoding = headers.get('content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') throw new BadRequestError(`the content encoding ${encoding} is not understood; send the body as it is`, 415);
  const charset = charsetOf(contentType);
  const text = charset === 'utf-16' || charset === 'utf-32' ? Buffer.from(wideText(body, charset)) : utf8Of(body, charset !== undefined || isJson(contentType));
  const batch = await parsed(text);
  if (charset === 'utf-16') return recoded(batch, (line) => Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(line, 'utf16le').swap16()]));
  return charset === 'utf-32' ? recoded(batch, utf32) : batch;
}

async function parsed(text: Buffer): Promise<Batch> {
  const events = new JsonEvents(text);
  const maps: ReadonlyMap<string, string>[] = [];
  const bodies: Buffer[] = [];
  let hasHeaders = false;
  let lastMs = performance.now();
  while (events.next()) {
    const { headers, body } = events;
    hasHeaders ||= headers.size > 0;
    maps.push(headers.size > 0 ? headers : NO_HEADERS);
    bodies.push(body);
    if (bodies.length % EVENTS_BETWEEN_LOOKS === 0 && performance.now() - lastMs > TURN_MS) {
      await turn();
      lastMs = performance.now();
    }
  }
  return joined(bodies, hasHeaders ? maps : undefined);
}

function joined(bodies: readonly Buffer[], maps: readonly ReadonlyMap<string, string>[] | undefined): Batch {
  const bounds = new Uint32Array(2 * bodies.length);
  let at = 0;
  for (const [index, { length }] of bodies.entries()) {
    bounds[2 * index] = at;
    at += length;
    bounds[2 * index + 1] = at;
  }
  return Batch.over(Buffer.concat(bodies, at), bounds, bodies.length, maps && headerRows(maps));
}

function recoded(batch: Batch, encode: (text: string) => Buffer): Batch {
  return batch.withBodies(Array.from({ length: batch.size }, (_, index) => encode(batch.body(index).toString())));
}

function isJson(contentType: string | undefined): boolean {
  return /^(application|text)\/json$/i.test(contentType ?? '');
}

function charsetOf(contentType: string | undefined): string | undefined {
  const named = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType ?? '')?.[1]?.toLowerCase();
  if (named === undefined || ['utf-8', 'utf-16', 'utf-32'].includes(named)) return named;
  throw new BadRequestError(`the character set ${named} is none of utf-8, utf-16, utf-32`);
}

function utf8Of(body: Buffer, isSure: boolean): Buffer {
  if (isUtf8(body)) return body;
  return Buffer.from(isSure ? body.toString() : body.toString('latin1'));
}

/** UTF-16 and UTF-32 are big-endian where no mark says otherwise. */
function wideText(body: Buffer, charset: 'utf-16' | 'utf-32'): string {
  if (charset === 'utf-16') {
    const little = body[0] === 0xff && body[1] === 0xfe;
    return new TextDecoder(little ? 'utf-16le' : 'utf-16be').decode(body);
  }
  const little = body.length >= 4 && body.readUInt32LE(0) === 0xfeff;
  const points: string[] = [];
  for (let at = 0; at + 4 <= body.length; at += 4) {
    const point = little ? body.readUInt32LE(at) : body.readUInt32BE(at);
    if (at === 0 && point === 0xfeff) continue;
    points.push(point > 0x10ffff ? '\ufffd' : String.fromCodePoint(point));
  }
  return points.join('');
}

function utf32(text: string): Buffer {
  const points = Array.from(text, (char) => char.codePointAt(0) ?? 0);
  const bytes = Buffer.alloc(4 * points.length);
  for (const [index, point] of points.entries()) bytes.writeUInt32BE(point, 4 * index);
  return bytes;
}
