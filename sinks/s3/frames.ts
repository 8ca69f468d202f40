import type { Origin } from '../../core/component.ts';

/**
 * The stage's files, `stage-<number>`: `MRS3STG1`, then frames, numbers in little-endian:
 *
 *     frame = u32 length of head, u32 length of data, u32 CRC-32 of head, head, data
 *     head  = a JSON object: a `StateHead` as the first of a file, then `DataHead` and `NoteHead`
 *     data  = the bytes of a DataHead's pieces, one behind the other
 */
export const FILE_MARK = Buffer.from('MRS3STG1');
export const FRAME_BYTES = 12;
/** More than any head that we write. */
const MOST_HEAD_BYTES = 256 * 1024 * 1024;

/** What is known of an object from its first event on. */
export interface ObjectFacts {
  readonly id: number;
  readonly bucket: string;
  readonly key: string;
  readonly compression: 'none' | 'gzip' | 'zstd';
}

/** A piece of an object: its bytes' length and CRC-32, and the CRC-32 of the object up to its end. */
export type PieceHead = readonly [object: number, events: number, length: number, crc: number, objectCrc: number];

/** One batch, all of it or nothing. */
export interface DataHead {
  readonly kind: 'data';
  readonly origin?: Origin;
  /** Objects that begin here. */
  readonly objects: readonly ObjectFacts[];
  readonly pieces: readonly PieceHead[];
}

export interface UploadFacts {
  readonly object: number;
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

export type Note =
  /** A multipart upload has begun. */
  | { readonly begun: UploadFacts }
  /** It is no more: completed or ended. */
  | { readonly ended: string }
  /** The object gets another name, because that one is taken. */
  | { readonly renamed: number; readonly key: string }
  /** The object stands complete at its destination. */
  | { readonly finished: number };

export type NoteHead = { readonly kind: 'note' } & Note;

/** Everything that earlier files say beside the pieces, so that each can be deleted once none of its pieces is needed. */
export interface StateHead {
  readonly kind: 'state';
  readonly stage: string;
  readonly nextObject: number;
  readonly objects: readonly ObjectFacts[];
  readonly uploads: readonly UploadFacts[];
  readonly taken: Readonly<Record<string, Origin['spans']>>;
  /** Objects that are finished, of which there still are pieces. */
  readonly finished: readonly number[];
  /** Up to where each earlier file holds what was taken. */
  readonly ends: Readonly<Record<string, number>>;
}

export type Head = DataHead | NoteHead | StateHead;

const crc32 = (bytes: Buffer): number => process.getBuiltinModule('node:zlib').crc32(bytes);

/** The frame up to its data. */
export function encodeHead(head: Head, dataBytes: number): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const frame = Buffer.allocUnsafe(FRAME_BYTES + text.length);
  frame.writeUInt32LE(text.length, 0);
  frame.writeUInt32LE(dataBytes, 4);
  frame.writeUInt32LE(crc32(text), 8);
  text.copy(frame, FRAME_BYTES);
  return frame;
}

/** Lengths of the frame whose first bytes these are; `undefined` where no frame of ours can begin so. */
export function frameLengths(bytes: Buffer): { readonly head: number; readonly data: number; readonly crc: number } | undefined {
  if (bytes.length < FRAME_BYTES) return undefined;
  const head = bytes.readUInt32LE(0);
  if (head < 2 || head > MOST_HEAD_BYTES) return undefined;
  return { head, data: bytes.readUInt32LE(4), crc: bytes.readUInt32LE(8) };
}

/** `undefined` where the text is not the one that was written. */
export function decodeHead(text: Buffer, crc: number): Head | undefined {
  if (crc32(text) !== crc) return undefined;
  return JSON.parse(text.toString()) as Head;
}
