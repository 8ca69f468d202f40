/** The spooling source: what comes out, which names the files get, and what stands in the tracker directory. */

import { mkdir, readdir, readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AvroWriter } from '../../../protocols/avro-writer.ts';
import { avroCodec } from '../../../serializers/avro-codecs.ts';
import { AvroContainer } from '../../../serializers/avro-container.ts';
import { until } from '../../servers/daemon.ts';
import { readContainer } from '../avro-container.ts';
import type { Chain, CompatCase, Observation } from '../side-by-side.ts';
import type { Site } from '../site.ts';

type Options = Readonly<Record<string, string>>;
type Input = Readonly<Record<string, string | Buffer>>;

function spooling(options: Options = {}): Chain {
  return { r1: { type: 'spooldir', spoolDir: '@DIR@', pollDelay: '50', ...options }, c1: { capacity: '1000' }, k1: {} };
}

/** Puts whole files into the directory, those whose name comes first as the oldest: a directory that is moved in, so that all are there at once. */
async function put(site: Site, input: Input, age: (index: number) => number = (index) => index): Promise<void> {
  const hidden = join(site.folder, '.hidden');
  await mkdir(hidden);
  for (const [index, name] of Object.keys(input).entries()) {
    const path = join(hidden, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, input[name] ?? '');
    await utimes(path, 1_700_000_000 + age(index), 1_700_000_000 + age(index));
  }
  await rename(hidden, join(site.folder, 'd'));
}

/** Puts one file into the directory itself. */
async function putOne(site: Site, name: string, content: string | Buffer): Promise<void> {
  const hidden = join(site.folder, `.${name}`);
  await writeFile(hidden, content);
  await rename(hidden, join(site.folder, name));
}

async function names(folder: string): Promise<string[]> {
  // Flume leaves the position file behind where it marks files.
  return (await readdir(folder, { recursive: true })).filter((name) => !name.endsWith('.flumespool-main.meta')).sort();
}

async function settledNames(site: Site, done: (found: readonly string[]) => boolean): Promise<string[]> {
  return until(`the names in ${site.folder}`, async () => {
    const found = await names(site.folder);
    return done(found) ? found : undefined;
  }, 30_000);
}

/** Events of one file, and every name once the file is completed. */
async function one(site: Site, content: string | Buffer, events: number, name = 'file'): Promise<Observation> {
  await putOne(site, name, content);
  const found = await settledNames(site, (all) => all.includes(`${name}.COMPLETED`));
  await site.metrics('CHANNEL.c1', (now) => now['EventTakeSuccessCount'] === String(events));
  return { events: await site.written((text) => text.split('\n').length > events), names: found };
}

async function many(site: Site, input: Input, events: number, done: (found: readonly string[]) => boolean, age?: (index: number) => number): Promise<Observation> {
  await put(site, input, age);
  const found = await settledNames(site, done);
  await site.metrics('CHANNEL.c1', (now) => now['EventTakeSuccessCount'] === String(events));
  return { events: await site.written((text) => text.split('\n').length > events), names: found };
}

const all = (count: number) => (found: readonly string[]) => found.filter((name) => name.endsWith('.COMPLETED')).length === count;
const recursive: Options = { recursiveDirectorySearch: 'true' };
const malformed = Buffer.concat(
  ['e9', 'e080af', 'f8a1a1a1a1', 'eda080', 'f09f98', 'c0af', 'efbfbd', 'f4908080', 'ff', '80'].map((hex) => Buffer.concat([Buffer.from('('), Buffer.from(hex, 'hex'), Buffer.from(')\n')])),
);

const schema = JSON.stringify({
  name: 'Event', namespace: 'com.acme', type: 'record', doc: 'An event.', aliases: ['Old', 'com.other.Older'], extra: { b: 1, a: [true, null] },
  fields: [
    { name: 'id', type: { type: 'long', logicalType: 'timestamp-millis' }, default: -1, order: 'descending' },
    { name: 'level', type: { name: 'Level', type: 'enum', symbols: ['LOW', 'HIGH'], default: 'LOW' }, doc: 'How "bad" it is.' },
    { name: 'again', type: ['null', 'Level'], default: null, aliases: ['b'] },
    { name: 'mark', type: { type: 'fixed', name: 'com.other.Mark', size: 2 } },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'text', type: 'string' },
  ],
});

async function avroFile(texts: readonly string[], codec = 'null'): Promise<Buffer> {
  const container = new AvroContainer(avroCodec(codec));
  const blocks = [texts.slice(0, 2), texts.slice(2)].map((part) => {
    const writer = new AvroWriter();
    for (const text of part) {
      writer.count(text.length);
      writer.count(1);
      writer.count(0);
      writer.raw(Buffer.from('xy'));
      writer.count(2);
      writer.string('t1');
      writer.string('t2');
      writer.count(0);
      writer.string(text);
    }
    return { objects: part.length, data: writer.view(0) };
  });
  return Buffer.concat([container.header(schema), await container.blocks(blocks)]);
}

const textCases: readonly CompatCase[] = [
  { name: 'SD-50 lines of a file', chain: spooling(), run: (site) => one(site, 'a\r\nb\n\n  \tlast', 4) },
  { name: 'SD-38 SD-39 SD-41 lines that are too long', chain: spooling({ 'deserializer.maxLineLength': '10' }), run: (site) => one(site, '0123456789\n0123456789X\nab\nabcdefghijklmnopqrstuvwxyz\néééééééééééé\n01234567890123456789', 12) },
  { name: 'bufferMaxLineLength', chain: spooling({ bufferMaxLineLength: '5', 'deserializer.maxLineLength': '10' }), run: (site) => one(site, 'abcdefghij\n', 3) },
  { name: 'SD-48 bytes that are not UTF-8, replaced', chain: spooling({ decodeErrorPolicy: 'REPLACE' }), run: (site) => one(site, malformed, 10) },
  { name: 'SD-48 bytes that are not UTF-8, ignored', chain: spooling({ decodeErrorPolicy: 'ignore' }), run: (site) => one(site, malformed, 10) },
  { name: 'ISO-8859-1', chain: spooling({ inputCharset: 'ISO-8859-1' }), run: (site) => one(site, Buffer.from([0xe9, 0x80, 0xff, 0x0a, 0x61]), 2) },
  { name: 'US-ASCII, replaced', chain: spooling({ inputCharset: 'US-ASCII', decodeErrorPolicy: 'REPLACE' }), run: (site) => one(site, Buffer.from([0x61, 0xe9, 0x80, 0x0a, 0x61]), 2) },
  { name: 'windows-1252 and Shift_JIS', chain: spooling({ inputCharset: 'Shift_JIS' }), run: (site) => one(site, Buffer.from('8261b10a82628263610a', 'hex'), 2) },
  { name: 'UTF-16 with a byte order mark', chain: spooling({ inputCharset: 'UTF-16' }), run: (site) => one(site, Buffer.from('\ufeffäö\n\u0a00\u000d\nlast', 'utf16le'), 3) },
  { name: 'UTF-16LE keeps the mark', chain: spooling({ inputCharset: 'UTF-16LE' }), run: (site) => one(site, Buffer.from('\ufeffä\nb\n', 'utf16le'), 2) },
  { name: 'a byte order mark of UTF-8 stays', chain: spooling(), run: (site) => one(site, '\ufeffa\nb\n', 2) },
  { name: 'bodies in another character set', chain: spooling({ 'deserializer.outputCharset': 'ISO-8859-1' }), run: (site) => one(site, 'é€ñ\nabc\n', 2) },
  {
    name: 'SD-49 a character of two units where a line is cut',
    chain: spooling({ 'deserializer.maxLineLength': '4' }),
    differs: { why: 'Flume writes a question mark for each half; Millrace keeps the character whole', millrace: { events: '{} foo\n{} \u00f0\u009f\u0098\u0098ba\n{} r\n' } },
    run: (site) => one(site, 'foo😘bar\n', 3),
  },
];

const fileCases: readonly CompatCase[] = [
  { name: 'SD-03 SD-04 headers of the file', chain: spooling({ fileHeader: 'true', basenameHeader: 'true', ...recursive }), run: (site) => many(site, { 'sub/file1': 'a\nb\n' }, 2, all(1)) },
  { name: 'headers of the file under other names', chain: spooling({ fileHeader: 'true', fileHeaderKey: 'path', basenameHeader: 'true', basenameHeaderKey: 'b' }), run: (site) => one(site, 'a\n', 1) },
  { name: 'SD-10 SD-11 SD-12 empty files', chain: spooling({ ...recursive, basenameHeader: 'true' }), run: (site) => many(site, { file1: 'some data', file2: '', file3: '', file4: 'x' }, 4, all(4)) },
  { name: 'SD-15 SD-16 SD-17 patterns', chain: spooling({ ...recursive, includePattern: '^file.$', ignorePattern: '.*[13]' }), run: (site) => many(site, { file1: 'a', file2: 'b', file3: 'c', file44: 'd', 'sub1/file2': 'e', 'sub/file4': 'f' }, 2, all(2)) },
  { name: 'SD-21 deleted when done', chain: spooling({ ...recursive, deletePolicy: 'immediate', fileHeader: 'true' }), run: (site) => many(site, { file1: 'a\n', file2: 'b\n' }, 2, (found) => !found.some((name) => name.includes('/file'))) },
  { name: 'another suffix', chain: spooling({ ...recursive, fileSuffix: '.done' }), run: (site) => many(site, { 'x.COMPLETED': 'a\n', 'y.done': 'b\n', z: 'c\n' }, 2, (found) => found.filter((name) => name.endsWith('.done')).length === 3) },
  { name: 'SD-54 markers', chain: spooling({ ...recursive, trackingPolicy: 'tracker_dir' }), run: (site) => many(site, { f1: 'a\n', 'sub/f2': 'b\n' }, 2, all(2)) },
  { name: 'SD-54 markers in a directory of their own', chain: spooling({ ...recursive, trackingPolicy: 'TRACKER_DIR', trackerDir: '@DIR@/.t' }), run: (site) => many(site, { f1: 'a\n', f2: '' }, 2, all(2)) },
  { name: 'SD-24 the oldest first', chain: spooling(recursive), run: (site) => many(site, { b: '1\n', a: '2\n', 'sub/c': '3\n', d: '4\n' }, 4, all(4)) },
  { name: 'SD-25 the youngest first', chain: spooling({ ...recursive, consumeOrder: 'youngest' }), run: (site) => many(site, { b: '1\n', a: '2\n', 'sub/c': '3\n', d: '4\n' }, 4, all(4)) },
  { name: 'SD-26 the same age: by name', chain: spooling(recursive), run: (site) => many(site, { b: '1\n', 'sub/a': '2\n', Z: '3\n', 'é': '4\n' }, 4, all(4), () => 0) },
  {
    name: 'counters of spooldir',
    chain: spooling({ batchSize: '10', ...recursive }),
    run: async (site) => {
      await many(site, { a: 'x\n'.repeat(25), b: '', c: 'y\n'.repeat(10) }, 36, all(3));
      const { EventReceivedCount, EventAcceptedCount, AppendBatchReceivedCount, AppendBatchAcceptedCount, EventReadFail, ChannelWriteFail } = await site.metrics('SOURCE.r1', (now) => now['EventAcceptedCount'] === '36');
      return { EventReceivedCount: EventReceivedCount ?? '', EventAcceptedCount: EventAcceptedCount ?? '', AppendBatchReceivedCount: AppendBatchReceivedCount ?? '', AppendBatchAcceptedCount: AppendBatchAcceptedCount ?? '', EventReadFail: EventReadFail ?? '', ChannelWriteFail: ChannelWriteFail ?? '' };
    },
  },
  {
    name: 'the position of a file that is half read',
    chain: { r1: { type: 'spooldir', spoolDir: '@DIR@', pollDelay: '50', batchSize: '2' }, c1: { capacity: '4', transactionCapacity: '2', 'keep-alive': '0' } },
    run: async (site) => {
      await putOne(site, 'file', 'one\ntwo\nthree\nfour\nfive\nsix\n');
      const path = join(site.folder, '.flumespool/.flumespool-main.meta');
      const container = await until('the second position', async () => {
        const found = readContainer(await readFile(path).catch(() => Buffer.alloc(0)));
        return found !== undefined && found.count >= 2 ? found : undefined;
      }, 30_000);
      const { file, 'avro.schema': text } = container.metadata;
      const last = container.records.subarray(-1).toString('hex');
      return { file: file ?? '', schema: JSON.parse(text ?? '{}') as Observation, last };
    },
  },
  {
    name: 'SD-52 a file that cannot be decoded',
    chain: spooling(recursive),
    differs: {
      why: 'Flume reads no file any more; Millrace sets this one aside',
      millrace: { events: '{} after\n', names: ['.flumespool', 'd', 'd/bad.SETASIDE', 'd/good.COMPLETED'] },
    },
    run: async (site) => {
      await put(site, { bad: Buffer.concat([Buffer.from('ok\nba'), Buffer.from([0xff, 0xfe]), Buffer.from('d\n')]), good: 'after\n' });
      await until('the end of the good one, which never comes with Flume', async () => (await names(site.folder)).includes('d/good.COMPLETED') || undefined, 4000).catch(() => undefined);
      const done = await names(site.folder);
      return { events: done.includes('d/good.COMPLETED') ? await site.written((text) => text.includes('after')) : '', names: done };
    },
  },
];

const avroCases: readonly CompatCase[] = [
  ...['null', 'deflate', 'snappy'].map((codec): CompatCase => ({
    name: `SD-44 SD-45 records of an Avro file, codec ${codec}`,
    chain: spooling({ deserializer: 'AVRO' }),
    run: async (site) => one(site, await avroFile(['one', 'two', 'three'], codec), 3),
  })),
  { name: 'SD-45 the schema of an Avro file as text', chain: spooling({ deserializer: 'avro', 'deserializer.schemaType': 'LITERAL' }), run: async (site) => one(site, await avroFile(['one', 'two', 'three']), 3) },
  {
    name: 'SD-42 SD-43 blobs',
    complete: true,
    chain: spooling({ ...recursive, deserializer: 'org.apache.flume.sink.solr.morphline.BlobDeserializer$Builder', 'deserializer.maxBlobLength': '10' }),
    run: (site) => many(site, { a: 'abcdefghijklmnopqrstuvwxyz', b: '', c: 'short' }, 5, all(3)),
  },
];

export const spooldirCases: readonly CompatCase[] = [...textCases, ...fileCases, ...avroCases];
