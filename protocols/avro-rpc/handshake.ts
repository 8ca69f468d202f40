import { AvroWriter } from '../avro-writer.ts';
import { AvroFormatError, type AvroCursor } from './cursor.ts';

/** The protocol of Flume's avro source without its licence text, and the MD5 of exactly these characters. */
export const PROTOCOL_TEXT =
  '{"protocol":"AvroSourceProtocol","namespace":"org.apache.flume.source.avro","types":[{"type":"enum","name":"Status","symbols":["OK","FAILED","UNKNOWN"]},' +
  '{"type":"record","name":"AvroFlumeEvent","fields":[{"name":"headers","type":{"type":"map","values":"string"}},{"name":"body","type":"bytes"}]}],' +
  '"messages":{"append":{"request":[{"name":"event","type":"AvroFlumeEvent"}],"response":"Status"},' +
  '"appendBatch":{"request":[{"name":"events","type":{"type":"array","items":"AvroFlumeEvent"}}],"response":"Status"}}}';
export const PROTOCOL_HASH = Buffer.from('30da54059df72d9584b867d5202e2069', 'hex');
/** What Flume 1.11 sends: the same protocol with its licence text. */
export const FLUME_HASH = Buffer.from('86aadae2c45474c0fe93ffd0f2350a65', 'hex');

const HASH_BYTES = 16;
/** union { null, map<bytes> }: a map without entries, and one by which agents of ours know each other; Flume passes over its entry. */
const EMPTY_META = Buffer.from([2, 0]);
const OUR_ENTRY = 'millrace';
/** 1: numbered events are stored once. 2: takes blocks (block.ts) as well. */
const OUR_VERSION = '2';
const OUR_META = Buffer.concat([Buffer.from([2, 2, 2 * OUR_ENTRY.length]), Buffer.from(OUR_ENTRY), Buffer.from([2]), Buffer.from(OUR_VERSION), Buffer.from([0])]);

/** How the two protocols go together; the number is the one on the wire. */
export const MATCH = { both: 0, client: 1, none: 2 } as const;
export type Match = (typeof MATCH)[keyof typeof MATCH];

export interface HandshakeRequest {
  readonly clientHash: Buffer;
  readonly clientProtocol: string | undefined;
  readonly serverHash: Buffer;
  /** Whether it is an agent of ours. */
  readonly isOurs: boolean;
}

export interface HandshakeResponse {
  readonly match: Match;
  readonly serverHash: Buffer | undefined;
  /** What the receiver says it can do; 0 where it is no agent of ours. */
  readonly ourVersion: number;
}

export function readHandshakeRequest(cursor: AvroCursor): HandshakeRequest {
  const clientHash = cursor.fixed(HASH_BYTES);
  const clientProtocol = cursor.present() ? cursor.sized().toString() : undefined;
  const serverHash = cursor.fixed(HASH_BYTES);
  return { clientHash, clientProtocol, serverHash, isOurs: readOurVersion(cursor) > 0 };
}

export function writeHandshakeRequest(writer: AvroWriter, { clientHash, clientProtocol, serverHash, isOurs }: HandshakeRequest): void {
  writer.raw(clientHash);
  writeOptional(writer, clientProtocol, (text) => writer.string(text));
  writer.raw(serverHash);
  writer.raw(isOurs ? OUR_META : EMPTY_META);
}

export function readHandshakeResponse(cursor: AvroCursor): HandshakeResponse {
  const match = cursor.long();
  if (match !== MATCH.both && match !== MATCH.client && match !== MATCH.none) throw new AvroFormatError(`the answer to the handshake is ${match}, and 0 to 2 are known`);
  if (cursor.present()) cursor.skipSized();
  const serverHash = cursor.present() ? cursor.fixed(HASH_BYTES) : undefined;
  return { match, serverHash, ourVersion: readOurVersion(cursor) };
}

/** Unless both sides know each other's protocol, ours goes with the answer. */
export function writeHandshakeResponse(writer: AvroWriter, match: Match, isOurs: boolean): void {
  writer.count(match);
  writeOptional(writer, match === MATCH.both ? undefined : PROTOCOL_TEXT, (text) => writer.string(text));
  writeOptional(writer, match === MATCH.both ? undefined : PROTOCOL_HASH, (hash) => writer.raw(hash));
  if (isOurs) writer.raw(OUR_META);
  else writer.count(0);
}

function readOurVersion(cursor: AvroCursor): number {
  const text = cursor.present() ? cursor.map().get(OUR_ENTRY) : undefined;
  return text ? Number(text.toString()) || 1 : 0;
}

/** union { null, … } */
function writeOptional<T>(writer: AvroWriter, value: T | undefined, write: (value: T) => void): void {
  writer.count(value === undefined ? 0 : 1);
  if (value !== undefined) write(value);
}
