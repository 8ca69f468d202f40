import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { fileChannel } from '../../../../channels/leveldb/index.ts';
import { inspectStore, storedEvents } from '../../../../channels/leveldb/inspect.ts';
import { headerAt, RECORD_HEADER_BYTES } from '../../../../channels/leveldb/record.ts';
import { recordCipher } from '../../../../channels/leveldb/record-cipher.ts';
import { decodeSegmentHeader, RECORDS_AT } from '../../../../channels/leveldb/segment.ts';
import { verifyStore } from '../../../../channels/leveldb/verify.ts';
import { Batch } from '../../../../core/batch.ts';
import type { Channel, Transaction } from '../../../../core/component.ts';
import { storeFiles } from '../../../../io/store-files.ts';
import { batchOf, bodiesOf, create, FakeContext, never } from '../../../conformance/fakes.ts';

/** Made by keytool of Java 17: the secret keys key-0 and key-1 of 256 bits, and short of 128. */
const KEY_STORE = 'MIIDvQIBAzCCA2cGCSqGSIb3DQEHAaCCA1gEggNUMIIDUDCCA0wGCSqGSIb3DQEHAaCCAz0EggM5MIIDNTCCARMGCyqGSIb3DQEMCgEFoIHDMIHABgsqhkiG9w0BDAoBAqCBsASBrTCBqjBmBgkqhkiG9w0BBQ0wWTA4BgkqhkiG9w0BBQwwKwQUBe7ieIJBlN3D467j2PF8CzfGxUACAicQAgEgMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBB9leYNLTinj0B4diYUkUffBED53wowtqgy9ePVkjmnELPDJwb/DgGOKEbU5BLoJzlj5Wt/pbzC0zCrbJLxO3bS8sHP/tnB5aYtA9JAKlRZvFycMT4wGQYJKoZIhvcNAQkUMQweCgBrAGUAeQAtADAwIQYJKoZIhvcNAQkVMRQEElRpbWUgMTc5NTI4NjY3ODgyMjCCARMGCyqGSIb3DQEMCgEFoIHDMIHABgsqhkiG9w0BDAoBAqCBsASBrTCBqjBmBgkqhkiG9w0BBQ0wWTA4BgkqhkiG9w0BBQwwKwQUWGO7LDtMXtu4MtrZnejcl6eomrICAicQAgEgMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBDaEqIU6KXZlqK2gVTSsTBgBEBsh7e9s1TvUKKBHwfb/bKRHJQTdpXq5DlhmNJQOS6PQDwdZ0e1QxehJO0AcKeo5MI4RdC/fBXMZMeiJA/sROxqMT4wGQYJKoZIhvcNAQkUMQweCgBrAGUAeQAtADEwIQYJKoZIhvcNAQkVMRQEElRpbWUgMTc5NTI4NjY4MDU4ODCCAQMGCyqGSIb3DQEMCgEFoIGzMIGwBgsqhkiG9w0BDAoBAqCBoASBnTCBmjBmBgkqhkiG9w0BBQ0wWTA4BgkqhkiG9w0BBQwwKwQUZJFANJjjVmQU0U6YKrWYvu7xoykCAicQAgEgMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBDDtnC4dx3NqKsmI2xW52t8BDBuc1N87Yc+DVu8Z194b3qS10+qTkZqoZ5dGYjkllVVRIZGPwugQuqt8b7Pymbjm1wxPjAZBgkqhkiG9w0BCRQxDB4KAHMAaABvAHIAdDAhBgkqhkiG9w0BCRUxFAQSVGltZSAxNzk1Mjg2NjgxNTY1ME0wMTANBglghkgBZQMEAgEFAAQgoxIboA85xfDQ/u3RDuc06ElmWjdlx1R4dw2N+HYGLTwEFGxvhGSmI3HUgbep1QM8eZTcVGZoAgInEA==';

interface Site {
  readonly folder: string;
  readonly context: FakeContext;
  /** Writes a key file, and answers the path. */
  key(name: string, content?: Buffer | string): string;
  /** A started channel with these options. */
  open(properties: Readonly<Record<string, string>>): Promise<Channel>;
}

function site(t: TestContext): Site {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-encryption-'));
  const open: Channel[] = [];
  const context = new FakeContext();
  t.after(async () => {
    for (const channel of open) await channel.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    context,
    key: (name, content = randomBytes(32).toString('hex')) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    },
    async open(properties) {
      const all = { checkpointDir: join(folder, 'checkpoint'), dataDirs: join(folder, 'data'), minimumRequiredSpace: '0', ...properties };
      const channel = await create(fileChannel, all, context);
      await channel.start();
      open.push(channel);
      return channel;
    },
  };
}

function under(active: string, files: Readonly<Record<string, string>>): Record<string, string> {
  const properties: Record<string, string> = { 'encryption.keyProvider': 'KEYFILE', 'encryption.activeKey': active, 'encryption.keyProvider.keys': Object.keys(files).join(' ') };
  for (const [name, path] of Object.entries(files)) properties[`encryption.keyProvider.keys.${name}.keyFile`] = path;
  return properties;
}

async function all(channel: Channel): Promise<string[]> {
  const found: string[] = [];
  while (channel.status().size > 0) {
    const loan = (await channel.take(100, AbortSignal.timeout(5000))) as Transaction;
    found.push(...bodiesOf(loan.batch));
    await loan.commit();
  }
  return found;
}

/** Every byte below a directory, by its path. */
function bytesBelow(directory: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(directory, { recursive: true }) as string[]) {
    const path = join(directory, name);
    if (statSync(path).isFile()) found.set(name, readFileSync(path, 'latin1'));
  }
  return found;
}

const segments = (folder: string): string[] => readdirSync(join(folder, 'data', 'millrace-records')).map((name) => join(folder, 'data', 'millrace-records', name));

/** Changes a segment and makes its first record's checksums right again, as somebody would who is not found out by them. */
function forge(path: string, change: (record: Buffer) => void): void {
  const bytes = readFileSync(path);
  const header = decodeSegmentHeader(bytes);
  assert.ok(header && 'store' in header);
  const length = headerAt(bytes, RECORDS_AT, Buffer.from(header.store, 'hex'))?.length ?? 0;
  const record = bytes.subarray(RECORDS_AT, RECORDS_AT + length);
  change(record);
  const contentAt = RECORD_HEADER_BYTES + record.readUInt16LE(18);
  record.writeUInt32LE(crc32(record.subarray(contentAt)), 12);
  record.writeUInt32LE(crc32(record.subarray(12, contentAt), crc32(record.subarray(0, 8))), 8);
  writeFileSync(path, bytes);
}

describe('encryption of the file channel', () => {
  test('FC-34 what is stored under a key comes back after a restart, with its headers, and neither bodies nor headers are on the disk', async (t) => {
    const here = site(t);
    const properties = under('key-0', { 'key-0': here.key('k0') });
    const channel = await here.open(properties);
    const secret = Batch.of([{ body: Buffer.from('the body is secret'), headers: new Map([['secretname', 'secretvalue']]) }]);
    await channel.put(secret, never);
    await channel.put(batchOf('another secret', 'a third'), never);
    await channel.stop();
    for (const [name, bytes] of bytesBelow(join(here.folder, 'data'))) assert.doesNotMatch(bytes, /secret/, name);
    const again = await here.open(properties);
    const loan = (await again.take(1, never)) as Transaction;
    assert.deepEqual([...loan.batch.headers(0)], [['secretname', 'secretvalue']]);
    await loan.rollback();
    assert.deepEqual(await all(again), ['the body is secret', 'another secret', 'a third']);
  });

  test('FC-34 the active key changes: what is stored under the old one is read while it is among the keys, and afterwards it may go', async (t) => {
    const here = site(t);
    const files = { 'key-0': here.key('k0'), 'key-1': here.key('k1', randomBytes(16)) };
    const first = await here.open(under('key-0', files));
    await first.put(batchOf('old'), never);
    await first.stop();
    const second = await here.open(under('key-1', files));
    await second.put(batchOf('new'), never);
    await second.stop();
    await assert.rejects(here.open(under('key-1', { 'key-1': files['key-1'] })), /M136|under the key "key-0", which is not among key-1/);
    const third = await here.open(under('key-1', files));
    assert.deepEqual(await all(third), ['old', 'new']);
    await third.put(batchOf('newest'), never);
    await third.stop();
    assert.deepEqual(await all(await here.open(under('key-1', { 'key-1': files['key-1'] }))), ['newest']);
  });

  test('FC-35 without encryption, without its key or with another of its name the start is refused with the name of the key, and no byte is changed', async (t) => {
    const here = site(t);
    const channel = await here.open(under('key-0', { 'key-0': here.key('k0') }));
    await channel.put(batchOf('kept'), never);
    await channel.stop();
    const before = bytesBelow(here.folder);
    const other = here.key('other');
    for (const [properties, sentence] of [
      [{}, /under the key "key-0", and no key is given/],
      [under('key-1', { 'key-1': other }), /under the key "key-0", which is not among key-1/],
      [under('key-0', { 'key-0': other }), /another key of the name "key-0"/],
      [under('key-0', { 'key-0': join(here.folder, 'nowhere') }), /"key-0", .*nowhere, is not there/],
    ] as const) {
      await assert.rejects(here.open(properties), sentence);
    }
    rmSync(other);
    assert.deepEqual(bytesBelow(here.folder), before);
    assert.deepEqual(await all(await here.open(under('key-0', { 'key-0': join(here.folder, 'k0') }))), ['kept']);
  });

  test('FC-36 encryption is turned on, and off again, over events that wait: all come back in order', async (t) => {
    const here = site(t);
    const encrypted = under('key-0', { 'key-0': here.key('k0') });
    for (const [index, properties] of [{}, encrypted, { ...encrypted, capacity: '50000' }].entries()) {
      const channel = await here.open(properties);
      await channel.put(batchOf(`part ${index}`), never);
      await channel.stop();
    }
    const last = await here.open(encrypted);
    assert.deepEqual(await all(last), ['part 0', 'part 1', 'part 2']);
    await last.stop();
    const plain = await here.open({});
    await plain.put(batchOf('plain'), never);
    assert.deepEqual(await all(plain), ['plain']);
  });

  test('FC-34 keys of a PKCS12 key store, as keytool writes it', async (t) => {
    const here = site(t);
    const properties = {
      'encryption.keyProvider': 'jceksfile',
      'encryption.cipherProvider': 'AESCTRNOPADDING',
      'encryption.activeKey': 'key-1',
      'encryption.keyProvider.keyStoreFile': here.key('store', Buffer.from(KEY_STORE, 'base64')),
      'encryption.keyProvider.keyStorePasswordFile': here.key('password', ' storepass\n'),
      'encryption.keyProvider.keys': 'Key-0 key-1 short',
      'encryption.keyProvider.keys.key-1.passwordFile': join(here.folder, 'nowhere'),
    };
    const channel = await here.open(properties);
    assert.ok(here.context.log.lines.some(({ sentence, facts }) => sentence.includes('the password of the key store is tried') && facts['key'] === 'key-1'));
    await channel.put(batchOf('one'), never);
    await channel.stop();
    // The same key, as Java reads it from the store.
    const file = here.key('k1', '2c035901e7e1564548d18144394b0ae2563058150c40603a4c5184e06c32a8e8\n');
    const again = await here.open(under('key-1', { 'key-1': file }));
    assert.deepEqual(await all(again), ['one']);
    await again.stop();
    await assert.rejects(here.open({ ...properties, 'encryption.keyProvider.keys': 'key-1 key-9' }), /no secret key "key-9"/);
  });

  test('FC-37 a wrong password, a JCEKS store and a file that is no key are refused by name, with what helps', async (t) => {
    const here = site(t);
    const properties = {
      'encryption.keyProvider': 'JCEKSFILE',
      'encryption.cipherProvider': 'AESCTRNOPADDING',
      'encryption.activeKey': 'key-1',
      'encryption.keyProvider.keyStoreFile': here.key('store', Buffer.from(KEY_STORE, 'base64')),
      'encryption.keyProvider.keyStorePasswordFile': here.key('password', 'wrong'),
      'encryption.keyProvider.keys': 'key-1',
    };
    await assert.rejects(here.open(properties), /store cannot be read as a PKCS12 store: it is damaged, or its password is wrong/);
    here.key('store', Buffer.from('cececece0000000200000000', 'hex'));
    await assert.rejects(here.open(properties), /is a JCEKS key store, which is not read; convert it: keytool -importkeystore/);
    await assert.rejects(here.open(under('key-0', { 'key-0': here.key('k0', 'not a key') })), /k0 holds no key: .*openssl rand -hex 32/);
  });

  for (const [what, change] of [
    ['a bit of the content', (record: Buffer): void => void (record[record.length - 20] = (record[record.length - 20] as number) ^ 1)],
    ['the time in the header', (record: Buffer): void => void (record[71] = (record[71] as number) ^ 1)],
    ['the authentication tag', (record: Buffer): void => void (record[RECORD_HEADER_BYTES] = (record[RECORD_HEADER_BYTES] as number) ^ 1)],
    ['the flag that says encrypted', (record: Buffer): void => void (record[17] = 0)],
    ['the flag, and the length of the seal', (record: Buffer): void => void record.fill(0, 17, 20)],
    ['the length of the seal', (record: Buffer): void => void record.writeUInt16LE(8, 18)],
  ] as const) {
    test(`C1 somebody alters ${what} and makes the checksums right: the events are not delivered, and told as lost`, async (t) => {
      const here = site(t);
      const keys = { k: here.key('k') };
      const channel = await here.open(under('k', keys));
      await channel.put(batchOf('one', 'two'), never);
      await channel.put(batchOf('three'), never);
      await channel.stop();
      const [path = ''] = segments(here.folder);
      forge(path, change);
      const places = { dataDirectory: join(here.folder, 'data'), checkpointDirectory: join(here.folder, 'checkpoint') };
      const codec = recordCipher(new Map([['k', Buffer.from(readFileSync(keys.k, 'latin1'), 'hex')]]), 'k');
      const view = await inspectStore({ files: storeFiles, ...places, codec });
      const { missing, damage } = await verifyStore(view);
      assert.deepEqual(missing.map(({ from, to }) => [from, to]), [[0, 2]]);
      assert.match(damage[0]?.sentence ?? '', /the record of event 0 was altered by somebody/);
      const shown: unknown[] = [];
      for await (const item of storedEvents(view)) shown.push(item.kind === 'events' ? bodiesOf(item.batch) : [item.from, item.to]);
      assert.deepEqual(shown, [[0, 2], ['three']]);
      assert.deepEqual(await all(await here.open(under('k', keys))), ['three']);
      assert.equal(here.context.counted('EventLostCount'), 2);
    });
  }

  test('a record that is put into the place of another does not open, though both are under the key', async (t) => {
    const here = site(t);
    const keys = { k: here.key('k') };
    for (const folder of ['a', 'b']) {
      const channel = await create(fileChannel, { checkpointDir: join(here.folder, folder), dataDirs: join(here.folder, folder), minimumRequiredSpace: '0', ...under('k', keys) }, here.context);
      await channel.start();
      await channel.put(batchOf(`of store ${folder}`), never);
      await channel.stop();
    }
    const [a = '', b = ''] = ['a', 'b'].map((folder) => join(here.folder, folder, 'millrace-records', '000001.records'));
    const other = readFileSync(b);
    forge(a, (record) => {
      const identity = Buffer.from(record.subarray(0, 8));
      other.copy(record, 0, RECORDS_AT, RECORDS_AT + record.length);
      identity.copy(record, 0);
    });
    cpSync(join(here.folder, 'a', 'millrace-records'), join(here.folder, 'data', 'millrace-records'), { recursive: true });
    const channel = await here.open(under('k', keys));
    const stopping = new AbortController();
    const nothing = channel.take(1, stopping.signal);
    while (here.context.counted('EventLostCount') === 0) await setImmediate();
    stopping.abort();
    assert.equal(await nothing, undefined);
    assert.equal(here.context.counted('EventLostCount'), 1);
  });

  test('the peek of a channel that runs shows what is encrypted', async (t) => {
    const here = site(t);
    const channel = await here.open(under('k', { k: here.key('k') }));
    await channel.put(batchOf('one', 'two'), never);
    assert.deepEqual(bodiesOf((await channel.peek?.(1)) ?? Batch.of([])), ['one']);
  });
});

test('no two records have the same nonce under the same key: each start has a salt, each record a number', () => {
  const keys = new Map([['k', Buffer.alloc(32, 7)]]);
  const seen = new Set<string>();
  for (let start = 0; start < 20; start++) {
    const cipher = recordCipher(keys, 'k');
    for (let index = 0; index < 50; index++) {
      const record = Buffer.alloc(RECORD_HEADER_BYTES + cipher.extraBytes + 64);
      record[17] = cipher.flags;
      record.writeUInt16LE(cipher.extraBytes, 18);
      cipher.seal(record);
      // Salt and number, which make key and nonce.
      seen.add(record.toString('hex', RECORD_HEADER_BYTES + 16, RECORD_HEADER_BYTES + 40));
      assert.deepEqual(cipher.open(record), Buffer.alloc(64));
      assert.deepEqual(recordCipher(keys, 'k').open(record), Buffer.alloc(64));
    }
  }
  assert.equal(seen.size, 1000);
});
