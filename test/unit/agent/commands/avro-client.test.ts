import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { avroClient } from '../../../../agent/commands/avro-client.ts';
import { memoryChannel } from '../../../../channels/memory.ts';
import type { Source } from '../../../../core/component.ts';
import { avroSource } from '../../../../sources/avro/index.ts';
import { create, FakeSourceContext, never } from '../../../conformance/fakes.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-avro-client-'));
const started: Source[] = [];
after(async () => {
  await Promise.all(started.map((source) => source.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describe('flume-ng avro-client', () => {
  test('11.4 the lines of a file, whatever ends them, with the headers of the header file', async () => {
    const { context, port } = await receiver();
    const file = join(folder, 'lines.txt');
    const headers = join(folder, 'headers.properties');
    writeFileSync(file, 'one\ntwo\r\n\nthree\rünï\r\nlast');
    writeFileSync(headers, 'host = here\nkind: x\n');
    const { status, err } = await run('-H', '127.0.0.1', '-p', port, '-F', file, '-R', headers);
    assert.equal(status, 0);
    assert.match(err, /6 events sent/);
    assert.deepEqual(context.bodies, ['one', 'two', '', 'three', 'ünï', 'last']);
    assert.deepEqual([...(context.delivered[0]?.headers(3) ?? [])], [['host', 'here'], ['kind', 'x']]);
  });

  test('11.4 a channel that takes few at a time gets few at a time', async () => {
    const { context, port } = await receiver();
    const channel = await create(memoryChannel, { capacity: '1000', transactionCapacity: '7' }, context);
    context.batchLimit = 7;
    context.deliver = (batch) => channel.put(batch, never);
    const file = join(folder, 'many.txt');
    writeFileSync(file, Array.from({ length: 250 }, (_, index) => `${index}\n`).join(''));
    const { status, err } = await run('--host', '127.0.0.1', `--port=${port}`, '--filename', file);
    assert.equal(status, 0, err);
    assert.equal(channel.status().size, 250);
  });

  test('11.4 the files of a directory are sent and renamed', async () => {
    const { context, port } = await receiver();
    const spool = join(folder, 'spool');
    mkdirSync(spool);
    writeFileSync(join(spool, 'a.log'), 'a1\na2\n');
    writeFileSync(join(spool, 'b.log'), 'b1\n');
    writeFileSync(join(spool, 'c.logfileSuffix'), 'sent by the client of Flume\n');
    const { status, err } = await run('-H', '127.0.0.1', '-p', port, '--dirname', spool);
    assert.equal(status, 0, err);
    assert.deepEqual(context.bodies.toSorted(), ['a1', 'a2', 'b1']);
    assert.deepEqual(readdirSync(spool).filter((name) => !name.startsWith('.')).toSorted(), ['a.log.COMPLETED', 'b.log.COMPLETED', 'c.logfileSuffix']);
  });

  test('11.4 properties of the client stand in for host and port', async () => {
    const { context, port } = await receiver({ 'compression-type': 'deflate' });
    const props = join(folder, 'client.properties');
    const file = join(folder, 'one.txt');
    writeFileSync(props, `client.type = default_failover\nhosts = h1 h2\nhosts.h1 = 127.0.0.1:1\nhosts.h2 = 127.0.0.1:${port}\ncompression-type = deflate\n`);
    writeFileSync(file, 'x\n');
    const { status, err } = await run('-P', props, '-F', file);
    assert.equal(status, 0, err);
    assert.deepEqual(context.bodies, ['x']);
  });

  for (const [words, wanted] of [
    [['-H', 'h'], /--host and --port are needed/],
    [['-H', 'h', '-p', 'many'], /port /],
    [['-P', '/no/such/file'], /\/no\/such\/file cannot be read/],
    [['-H', 'h', '-p', '1', '-F', 'a', '--dirname', 'b'], /cannot be used together/],
    [['-H', '127.0.0.1', '-p', '1', '-F', '/no/such/file'], /no such file/],
    [['--bogus'], /unknown option/],
  ] as const) {
    test(`11.4 ${words.join(' ')} ends with 1 and says why`, async () => {
      const { status, err } = await run(...words);
      assert.equal(status, 1);
      assert.match(err, wanted);
    });
  }

  test('a receiver that is not there ends with 1 and names it', async () => {
    const file = join(folder, 'lost.txt');
    writeFileSync(file, 'x\n');
    const { status, err } = await run('-H', '127.0.0.1', '-p', '1', '-F', file);
    assert.equal(status, 1);
    assert.match(err, /Error: 127\.0\.0\.1:1: /);
  });
});

async function receiver(properties: Record<string, string> = {}): Promise<{ context: FakeSourceContext; port: string }> {
  const context = new FakeSourceContext();
  const source = await create(avroSource, { bind: '127.0.0.1', port: '0', ...properties }, context);
  await source.start();
  started.push(source);
  const address = source.describe?.().endpoints?.[0]?.address ?? '';
  return { context, port: address.slice(address.lastIndexOf(':') + 1) };
}

async function run(...words: readonly string[]): Promise<{ status: number; err: string }> {
  let err = '';
  const io = { out: () => undefined, err: (text: string) => void (err += text), colour: false, env: new Map<string, string>(), systemProperties: new Map<string, string>() };
  return { status: await avroClient(words, io), err };
}
