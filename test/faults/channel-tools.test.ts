import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runMillrace, startAgent, until, type RunningAgent } from '../harness/agent.ts';
import { DURABLE, netcatConf } from '../harness/conf.ts';
import { lastFirst } from './last-first.ts';
import { exchange, lineOf } from './numbered-lines.ts';

const LINES = 3000;

function conf(sink: string): string {
  return netcatConf({ channel: DURABLE, sink: `type = file_roll\nsink.directory = ${sink}` });
}

/** An agent whose sink cannot write, with `LINES` lines in its channel. */
async function waiting(t: TestContext, properties: Readonly<Record<string, string>> = {}): Promise<{ agent: RunningAgent; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-tools-'));
  lastFirst(t, () => rm(folder, { recursive: true, force: true }));
  const agent = await startAgent({ conf: conf('/nonexistent/millrace'), folder, properties });
  lastFirst(t, () => agent.stop());
  const text = Array.from({ length: LINES }, (_, number) => `${lineOf(number)}\n`).join('');
  assert.equal(await exchange(await agent.port('r1'), text), 'OK\n'.repeat(LINES));
  return { agent, folder };
}

async function millrace(...words: readonly string[]): Promise<{ status: number | null; text: string; json: () => Record<string, unknown> }> {
  const { status, lines } = await runMillrace(['channel', ...words]);
  return { status, text: lines.join('\n'), json: () => JSON.parse(lines.find((line) => line.startsWith('{')) ?? 'null') as Record<string, unknown> };
}

test('millrace channel looks into the channel of a running agent and takes nothing', { timeout: 180_000 }, async (t) => {
  const { agent, folder } = await waiting(t);
  const port = String(await agent.monitoringPort());
  const stat = await millrace('stat', '--port', port);
  assert.equal(stat.status, 0, stat.text);
  assert.match(stat.text, /^channel c1 \(file\), running\n {2}events +3,000 of 1,000,000/);
  const { status, text } = await millrace('peek', 'c1', '--url', `http://127.0.0.1:${port}`, '-n', '3');
  assert.equal(status, 0, text);
  assert.match(text, new RegExp(`^${lineOf(0)}\n${lineOf(1)}\n${lineOf(2)}\n3 of 3,000 events`), text);
  assert.equal(await agent.counter('CHANNEL.c1', 'ChannelSize'), LINES);
  // The files can be looked at meanwhile; what reads all of them wants the agent to be stopped.
  const files = await millrace('stat', join(folder, 'data'));
  assert.match(files.text, new RegExp(`events left +3,000[^]*by process ${agent.pid} \\(agent a1 of ${agent.confFile}\\)`));
  for (const words of [['verify'], ['repair', '--yes'], ['export', '--to', join(folder, 'out')]]) {
    const refused = await millrace(words[0] as string, join(folder, 'data'), ...words.slice(1));
    assert.deepEqual([refused.status, refused.text.includes(`process ${agent.pid} `)], [75, true], refused.text);
  }
  assert.equal((await millrace('peek', 'c9', '--port', port)).status, 69);
  assert.equal((await millrace('stat', '--port', '1')).status, 69);
});

test('X15 events are shown to this machine only, whatever a request says', { timeout: 180_000 }, async (t) => {
  const { agent } = await waiting(t, { 'flume.monitoring.host': '0.0.0.0' });
  const port = await agent.monitoringPort();
  const ask = (host: string, headers: Readonly<Record<string, string>> = {}): Promise<[number | undefined, string]> =>
    new Promise((resolve, reject) => {
      request({ host, port, path: '/channels/c1/peek', headers: { connection: 'close', ...headers } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.once('end', () => resolve([response.statusCode, text]));
      }).once('error', reject).end();
    });
  assert.equal((await ask('127.0.0.1'))[0], 200);
  const outside = Object.values(networkInterfaces()).flat().find((address) => address?.family === 'IPv4' && !address.internal)?.address;
  if (outside === undefined) t.diagnostic('this machine has no address but its loopback');
  else {
    for (const headers of [{}, { 'x-forwarded-for': '127.0.0.1' }, { host: 'localhost', forwarded: 'for=127.0.0.1' }]) {
      const [status, text] = await ask(outside, headers);
      assert.equal(status, 403);
      assert.ok(!text.includes(lineOf(0)));
    }
  }
  for (const headers of [{ host: 'evil.example' }, { 'x-forwarded-for': '10.0.0.1' }]) assert.equal((await ask('127.0.0.1', headers))[0], 403);
});

test('C5 millrace channel on the files of a killed agent: stat, peek, export, verify, repair, and the rest is delivered', { timeout: 240_000 }, async (t) => {
  const { agent, folder } = await waiting(t);
  await agent.kill();
  const data = join(folder, 'data');
  const found = (await millrace('stat', 'c1', '--conf-file', agent.confFile, '--json')).json();
  assert.deepEqual([found['left'], found['head'], found['tail']], [LINES, 0, LINES]);
  assert.match((await millrace('peek', data, '-n', '2')).text, new RegExp(`^0 {2}${lineOf(0)}\n1 {2}${lineOf(1)}\n`));
  for (const [format, ending] of [['text', 'txt'], ['json', 'jsonl']] as const) {
    const out = join(folder, format);
    const exported = await millrace('export', data, '--to', out, '--format', format);
    assert.match(exported.text, /^3,000 events/);
    const lines = (await readFile(join(out, `events-0001.${ending}`), 'utf8')).trimEnd().split('\n');
    assert.deepEqual(format === 'text' ? lines : lines.map((line) => (JSON.parse(line) as { body: string }).body), Array.from({ length: LINES }, (_, number) => lineOf(number)));
    assert.equal((await millrace('export', data, '--to', out)).status, 73);
  }
  assert.equal((await millrace('verify', data)).status, 0);
  const [name] = (await readdir(join(data, 'millrace-records'))).sort();
  const path = join(data, 'millrace-records', name as string);
  const bytes = await readFile(path);
  bytes[150_000] = (bytes[150_000] as number) ^ 1;
  await writeFile(path, bytes);
  const verified = await millrace('verify', data, '--json');
  const lost = Number(verified.json()['lost']);
  assert.ok(verified.status === 1 && lost > 0 && lost < LINES / 2, verified.text);
  const plan = await millrace('repair', data);
  assert.deepEqual([plan.status, plan.text.includes('Nothing was changed')], [1, true], plan.text);
  assert.deepEqual(await readFile(path), bytes);
  const repaired = await millrace('repair', data, '--yes');
  assert.equal(repaired.status, 0, repaired.text);
  assert.deepEqual(await readFile(join(data, 'millrace-aside', 'repair-0001', name as string)), bytes);
  assert.equal((await millrace('verify', data)).status, 0);
  const again = await startAgent({ conf: conf('@FOLDER@'), folder });
  lastFirst(t, () => again.stop());
  await again.ready();
  await again.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === LINES - lost);
  assert.equal(await again.counter('CHANNEL.c1', 'ChannelSize'), 0);
  await until('an empty channel', () => again.running() || undefined);
});

test('what is no store is said to be none', { timeout: 120_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-tools-'));
  lastFirst(t, () => rm(folder, { recursive: true, force: true }));
  for (const action of ['stat', 'peek', 'verify', 'repair']) {
    const { status, text } = await millrace(action, folder);
    assert.deepEqual([status, text], [66, `Error: there is no store of a durable channel in ${folder}`]);
  }
  assert.deepEqual(await readdir(folder), []);
  assert.equal((await millrace('stat')).status, 64);
  assert.equal((await millrace('export', folder)).status, 64);
});
