import { join } from 'node:path';
import type { StoreFiles } from '../../io/store-files.ts';
import { walk } from './catalogue.ts';
import { readSlots } from './guard.ts';
import type { Place } from './place.ts';
import { headerAt, MOST_HEADER_BYTES, type RecordCodec } from './record.ts';
import { StoreKeyError } from './record-seal.ts';
import { decodeSegmentHeader, RECORDS_AT, segmentNumber, type SegmentHeader } from './segment.ts';

/**
 * Throws StoreKeyError where events that are not done with are under a key that is not there, or not the same. Changes no byte, so that
 * nothing has happened to a store with whose configuration something is wrong. Without a guard everything counts as not done with.
 */
export async function refuseOtherKeys(files: StoreFiles, { records, guard }: Place, codec: RecordCodec): Promise<void> {
  const account = await files.read(guard);
  const head = (account && readSlots(account).state?.done.head) ?? 0;
  for (const name of (await files.list(records)).filter((one) => segmentNumber(one) !== undefined).sort()) {
    const path = join(records, name);
    const refused = await refusalOf(files, path, codec);
    if (refused && (await reaches(files, path, refused.header, head))) throw new StoreKeyError(`${path} cannot be read: ${refused.sentence}; nothing was changed`);
  }
}

/** Its first record speaks for a segment. What cannot be read is for those to report who open the store. */
async function refusalOf(files: StoreFiles, path: string, codec: RecordCodec): Promise<{ header: SegmentHeader; sentence: string } | undefined> {
  const bytes = await beginOf(files, path).catch(() => Buffer.alloc(0));
  const header = decodeSegmentHeader(bytes);
  if (!header || 'version' in header) return undefined;
  const record = headerAt(bytes, RECORDS_AT, Buffer.from(header.store, 'hex'));
  const sentence = record?.generation === header.generation ? codec.refusal(bytes.subarray(RECORDS_AT)) : undefined;
  return sentence === undefined ? undefined : { header, sentence };
}

async function beginOf(files: StoreFiles, path: string): Promise<Buffer> {
  const file = await files.open(path, 'read');
  try {
    return await file.read(0, RECORDS_AT + MOST_HEADER_BYTES);
  } finally {
    await file.close();
  }
}

/** Whether there are events at or above `head` in a segment. */
async function reaches(files: StoreFiles, path: string, { store, generation }: SegmentHeader, head: number): Promise<boolean> {
  for await (const { header } of walk(files, path, Buffer.from(store, 'hex'), generation)) if (header && header.first + header.events > head) return true;
  return false;
}
