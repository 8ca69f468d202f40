import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { codecClassOf } from '../../../protocols/hadoop-codec-names.ts';
import { hadoopCodec } from '../../../protocols/hadoop-codecs.ts';
import { decompressBzip2 } from './bzip2/bzip2-decoder.ts';
import { decompressSnappy } from './snappy-decoder.ts';

test('a codec is found by its class, its simple name and the beginning of that, in any case', () => {
  assert.equal(codecClassOf('org.apache.hadoop.io.compress.GzipCodec'), 'GzipCodec');
  assert.equal(codecClassOf('org.apache.hadoop.io.compress.gzipcodec'), undefined);
  assert.equal(codecClassOf('gzipCODEC'), 'GzipCodec');
  assert.equal(codecClassOf('zstandard'), 'ZStandardCodec');
  assert.equal(codecClassOf('NONE'), 'none');
  assert.equal(codecClassOf('lzo'), undefined);
  assert.equal(codecClassOf('bzip2'), 'BZip2Codec');
});

test('streams are what their formats say', async () => {
  const bytes = Buffer.from('line\n'.repeat(1000));
  assert.deepEqual(gunzipSync(await hadoopCodec('GzipCodec').compress(bytes)), bytes);
  assert.deepEqual(decompressBzip2(await hadoopCodec('BZip2Codec').compress(bytes)), bytes);
  assert.deepEqual(inflateSync(await hadoopCodec('DefaultCodec').compress(bytes)), bytes);
  assert.deepEqual(inflateSync(await hadoopCodec('DeflateCodec').compress(bytes)), bytes);
  assert.deepEqual(zstdDecompressSync(await hadoopCodec('ZStandardCodec').compress(bytes)), bytes);
});

test('Snappy and LZ4 come in chunks with their lengths in front', async () => {
  const bytes = Buffer.alloc(500_000, 'snappy ');
  const stream = await hadoopCodec('SnappyCodec').compress(bytes);
  const parts: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = stream.readUInt32BE(at + 4);
    const part = Buffer.from(decompressSnappy(stream.subarray(at + 8, at + 8 + length)));
    assert.equal(part.length, stream.readUInt32BE(at));
    assert.ok(part.length <= 256 * 1024);
    parts.push(part);
    at += 8 + length;
  }
  assert.ok(Buffer.concat(parts).equals(bytes));
});
