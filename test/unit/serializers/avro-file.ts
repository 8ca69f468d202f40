import assert from 'node:assert/strict';
import { crc32, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { decompressBzip2 } from '../protocols/bzip2/bzip2-decoder.ts';
import { decompressSnappy } from '../protocols/snappy-decoder.ts';

export interface AvroFile {
  readonly metadata: ReadonlyMap<string, string>;
  readonly headerLength: number;
  readonly blocks: readonly { readonly objects: number; readonly data: Buffer }[];
}

/** Reads an object container file as the specification describes it. */
export function readAvroFile(bytes: Buffer): AvroFile {
  const reader = new AvroReader(bytes);
  assert.equal(reader.raw(4).toString('latin1'), 'Obj\u0001');
  const metadata = reader.map();
  const sync = reader.raw(16);
  const headerLength = reader.at;
  const blocks: { objects: number; data: Buffer }[] = [];
  while (reader.at < bytes.length) {
    const objects = reader.long();
    const data = decompressed(reader.bytes(), metadata.get('avro.codec') ?? 'null');
    blocks.push({ objects, data });
    assert.deepEqual(reader.raw(16), sync);
  }
  return { metadata, headerLength, blocks };
}

/** Headers and bodies of Flume's schema. */
export function readAvroEvents(file: AvroFile): { headers: Record<string, string>; body: string }[] {
  return file.blocks.flatMap(({ objects, data }) => {
    const reader = new AvroReader(data);
    const events = Array.from({ length: objects }, () => ({
      headers: Object.fromEntries(reader.map()),
      body: reader.bytes().toString(),
    }));
    assert.equal(reader.at, data.length);
    return events;
  });
}

export class AvroReader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  long(): number {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = this.#bytes[this.at++];
      assert.ok(byte !== undefined, 'cut off');
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) break;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  raw(length: number): Buffer {
    assert.ok(length >= 0 && this.at + length <= this.#bytes.length, 'cut off');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  bytes(): Buffer {
    return this.raw(this.long());
  }

  map(): Map<string, string> {
    const entries = new Map<string, string>();
    for (let count = this.long(); count > 0; count = this.long()) {
      for (; count > 0; count--) {
        const name = this.bytes().toString();
        entries.set(name, this.bytes().toString());
      }
    }
    return entries;
  }
}

function decompressed(data: Buffer, codec: string): Buffer {
  if (codec === 'null') return data;
  if (codec === 'deflate') return inflateRawSync(data);
  if (codec === 'bzip2') return decompressBzip2(data);
  if (codec === 'zstandard') return zstdDecompressSync(data);
  assert.equal(codec, 'snappy');
  const bytes = decompressSnappy(data.subarray(0, -4));
  assert.equal(data.readUInt32BE(data.length - 4), crc32(bytes));
  return bytes;
}
