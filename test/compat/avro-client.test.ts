/** `flume-ng avro-client`, ours and Flume's, to an avro source of Flume's and to one of ours: the same events arrive, whoever sends and receives. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Source } from '../../core/component.ts';
import { avroSource } from '../../sources/avro/index.ts';
import { create, FakeSourceContext } from '../conformance/fakes.ts';
import { freePort, root } from '../harness/agent.ts';
import { until } from '../servers/daemon.ts';
import { classPath, flumeAvailable, getFlume, smallJvm, startFlume, type Flume } from '../servers/flume.ts';

/** Each run of Flume's client is a JVM of its own, and its sink rests for seconds. */
const skip = process.env['MILLRACE_LONG'] === '1' ? flumeAvailable() : 'half a minute of Java: MILLRACE_LONG=1';
/** Lines with each ending, an empty one, one that is no ASCII, and a last one without an end. */
const TEXT = 'one\ntwo\r\n\nünï\nlast';
const LINES = ['one', 'two', '', 'ünï', 'last'];

describe('flume-ng avro-client beside Flume 1.11', { skip, timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-client-'));
  const path = (name: string): string => join(folder, name);
  const context = new FakeSourceContext();
  let source: Source;
  let flume: Flume;
  let theirs: readonly string[];
  const port = { ours: 0, plain: 0, deflate: 0 };

  before(async () => {
    source = await create(avroSource, { bind: '127.0.0.1', port: '0' }, context);
    await source.start();
    port.ours = Number(source.describe?.().endpoints?.[0]?.address.split(':')[1]);
    Object.assign(port, { plain: await freePort(), deflate: await freePort() });
    flume = await startFlume({
      agent: 'a',
      monitoringPort: await freePort(),
      conf: `a.sources = r1 r2\na.channels = c1\na.sinks = k1\na.channels.c1.type = memory\n${(['plain', 'deflate'] as const)
        .map((kind, index) => `a.sources.r${index + 1}.type = avro\na.sources.r${index + 1}.bind = 127.0.0.1\na.sources.r${index + 1}.port = ${port[kind]}\na.sources.r${index + 1}.channels = c1\n`)
        .join('')}a.sources.r2.compression-type = deflate\na.sinks.k1.type = avro\na.sinks.k1.channel = c1\na.sinks.k1.hostname = 127.0.0.1\na.sinks.k1.port = ${port.ours}\n`,
    });
    await flume.ready();
    theirs = [...smallJvm, '-Dfile.encoding=UTF-8', '-cp', await classPath(await getFlume()), 'org.apache.flume.client.avro.AvroCLIClient'];
    writeFileSync(path('lines.txt'), TEXT);
    writeFileSync(path('headers.properties'), 'host = here\nkind: x\n');
  });

  after(async () => {
    await flume?.stop();
    await source?.stop();
    rmSync(folder, { recursive: true });
  });

  for (const client of ['ours', "Flume's"]) {
    const start = (words: readonly string[]): readonly string[] => (client === 'ours' ? [join(root, 'bin/flume-ng'), 'avro-client', ...words] : ['java', ...theirs, ...words]);
    for (const target of ['plain', 'ours'] as const) {
      test(`11.4 ${client} to ${target === 'ours' ? 'our source' : "Flume's source"}: -H -p -F -R, the lines of a file with headers`, async () => {
        const { status, out } = await run(start(['-H', '127.0.0.1', '-p', String(port[target]), '-F', path('lines.txt'), '-R', path('headers.properties')]));
        assert.equal(status, 0, out);
        await arrived(LINES, { host: 'here', kind: 'x' });
      });
    }

    test(`11.4 ${client} to Flume's source: --rpcProps with two receivers of which one is dead, compressed, and --dirname`, async () => {
      const spool = mkdtempSync(path('spool-'));
      writeFileSync(join(spool, 'a.log'), 'a1\na2\n');
      writeFileSync(join(spool, 'b.log'), 'b1\n');
      writeFileSync(path('client.properties'), `client.type = default_failover\nhosts = h1 h2\nhosts.h1 = 127.0.0.1:1\nhosts.h2 = 127.0.0.1:${port.deflate}\ncompression-type = deflate\nbatch-size = 2\n`);
      const { status, out } = await run(start(['-P', path('client.properties'), '--dirname', spool]));
      assert.equal(status, 0, out);
      await arrived(['a1', 'a2', 'b1'], {});
      const finished = readdirSync(spool).filter((name) => !name.startsWith('.')).toSorted();
      // Flume's client says the name of an option where it means its value.
      assert.deepEqual(finished, client === 'ours' ? ['a.log.COMPLETED', 'b.log.COMPLETED'] : ['a.logfileSuffix', 'b.logfileSuffix']);
    });

    test(`11.4 ${client} to Flume's source: standard input`, async () => {
      const { status, out } = await run(start(['--host', '127.0.0.1', '--port', String(port.plain)]), TEXT);
      assert.equal(status, 0, out);
      await arrived(LINES, {});
    });
  }

  /** Waits until these have come, looks that nothing else has, and forgets them. */
  async function arrived(bodies: readonly string[], headers: Readonly<Record<string, string>>): Promise<void> {
    await until(() => `${bodies.length} events, ${context.bodies.length} so far`, () => context.bodies.length >= bodies.length || undefined, 30_000);
    const events = context.delivered.flatMap((batch) => [...batch]);
    context.delivered.length = 0;
    assert.deepEqual(events.map(({ body }) => body.toString()), bodies);
    for (const event of events) assert.deepEqual(Object.fromEntries(event.headers), headers);
  }

  async function run([command = '', ...args]: readonly string[], input = ''): Promise<{ status: number | null; out: string }> {
    mkdirSync(path('home'), { recursive: true });
    const child = spawn(command, args, { cwd: path('home'), stdio: 'pipe' });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => void (out += text));
    return new Promise((resolve) => child.once('close', (status) => resolve({ status, out })));
  }
});
