import type * as Library from '@platformatic/kafka';
import { decompress } from './decompress.ts';
import { checksumOf } from './library.ts';
import { BATCH_HEADER_BYTES, CRC_FROM, LENGTH_FROM, MAGIC } from './record-batch.ts';
import { Varints } from './varints.ts';

/** Why a record batch cannot be read; says where it is. */
export class RecordBatchError extends Error {
  override readonly name = 'RecordBatchError';
}

/** Head of a record batch in an answer; its grammar stands in record-batch.ts. */
export interface BatchHead {
  /** Where the batch begins and ends in the bytes. */
  readonly at: number;
  readonly end: number;
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly leaderEpoch: number;
  readonly count: number;
  readonly codec: number;
  readonly timeIsOfAppending: boolean;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly baseMs: number;
  readonly latestMs: number;
  readonly producerId: bigint;
}

const MAGIC_AT = 16;
const CODEC = 7;
const LOG_APPEND_TIME = 8;
const TRANSACTIONAL = 16;
const CONTROL = 32;
/** A record has a length, attributes, two deltas, two lengths and a count. */
const LEAST_RECORD_BYTES = 7;

/** Behind the last offset of the whole batches between `begin` and `end`, so that reading can go on there; `undefined` without one. */
export function endOfBatches(bytes: Buffer, begin: number, end: number): number | undefined {
  let behind: number | undefined;
  for (let at = begin; ; ) {
    const next = endOfBatch(bytes, at, end);
    if (next === undefined || bytes[at + MAGIC_AT] !== MAGIC) return behind;
    behind = Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23) + 1;
    at = next;
  }
}

/** The batch at `at`, its checksum compared; `undefined` where only a part of one is there, which the broker sends where its answer is full. */
export function batchAt(library: typeof Library, bytes: Buffer, at: number, end: number): BatchHead | undefined {
  if (at + MAGIC_AT >= end) return undefined;
  const magic = bytes[at + MAGIC_AT] as number;
  if (magic < MAGIC) throw new RecordBatchError(`is in format ${magic}, which Kafka wrote before 0.11 and is not read`);
  if (magic > MAGIC) throw new RecordBatchError(`is in format ${magic}, which is not known`);
  const next = endOfBatch(bytes, at, end);
  if (next === undefined) {
    const length = bytes.readInt32BE(at + 8);
    if (length < BATCH_HEADER_BYTES - LENGTH_FROM) throw new RecordBatchError(`says that it has ${length} bytes`);
    return undefined;
  }
  const crc = bytes.readUInt32BE(at + 17);
  const found = checksumOf(library)(bytes.subarray(at + CRC_FROM, next));
  if (crc !== found) throw new RecordBatchError(`has the checksum ${hex(crc)}, and its bytes have ${hex(found)}`);
  const attributes = bytes.readInt16BE(at + CRC_FROM);
  const baseOffset = Number(bytes.readBigInt64BE(at));
  return {
    at,
    end: next,
    baseOffset,
    endOffset: baseOffset + bytes.readInt32BE(at + 23) + 1,
    leaderEpoch: bytes.readInt32BE(at + LENGTH_FROM),
    count: bytes.readInt32BE(at + 57),
    codec: attributes & CODEC,
    timeIsOfAppending: (attributes & LOG_APPEND_TIME) !== 0,
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    isControl: (attributes & CONTROL) !== 0,
    baseMs: Number(bytes.readBigInt64BE(at + 27)),
    latestMs: Number(bytes.readBigInt64BE(at + 35)),
    producerId: bytes.readBigInt64BE(at + 43),
  };
}

/** Its records, uncompressed. */
export function recordsOf(library: typeof Library, bytes: Buffer, { at, end, codec, count }: BatchHead, mostBytes: number): Buffer {
  let records: Buffer;
  try {
    records = decompress(library, codec, bytes.subarray(at + BATCH_HEADER_BYTES, end), mostBytes);
  } catch (error) {
    throw new RecordBatchError(`has records that cannot be uncompressed: ${(error as Error).message}`, { cause: error });
  }
  if (count < 0 || count * LEAST_RECORD_BYTES > records.length) throw new RecordBatchError(`announces ${count} records in ${records.length} bytes`);
  return records;
}

/** Whether a control batch ends a transaction by giving it up: its record's key is version:2 type:2, and 0 is that type. */
export function isAbortMark(bytes: Buffer, { at, end, isControl }: BatchHead): boolean {
  if (!isControl || at + BATCH_HEADER_BYTES >= end) return false;
  // length, attributes, time, offset, length of the key: varints, then the key.
  const cursor = new Varints(bytes, at + BATCH_HEADER_BYTES);
  for (let varints = 5; varints > 0; varints--) cursor.next();
  return cursor.at + 4 <= end && bytes.readInt16BE(cursor.at + 2) === 0;
}

/** `undefined` where the batch is not there as a whole, or what is there is none. */
function endOfBatch(bytes: Buffer, at: number, end: number): number | undefined {
  if (at + BATCH_HEADER_BYTES > end) return undefined;
  const length = bytes.readInt32BE(at + 8);
  const next = at + LENGTH_FROM + length;
  return length < BATCH_HEADER_BYTES - LENGTH_FROM || next > end ? undefined : next;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
