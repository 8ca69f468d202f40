import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync, inflateSync } from 'node:zlib';
import { readContainer } from '../compat/avro-container.ts';
import { TcpClient } from '../faults/tcp-client.ts';
import { startAgent, until } from '../harness/agent.ts';
import { flumeAvailable, startFlume } from '../servers/flume.ts';
import { hdfsMissing, startHdfs, type Hdfs } from '../servers/hdfs.ts';
import { freePorts } from '../servers/server.ts';
import { cases, type HdfsCase } from './hdfs-cases.ts';

/** Real Flume 1.11 and Millrace write into the same HDFS, by the same configuration but for the first folder of the path. */

const short = process.env['MILLRACE_LONG'] === '1' ? false : 'takes a minute: npm run test:servers';
const missing = hdfsMissing() || flumeAvailable() || short;
type System = 'flume' | 'millrace';
const observed = new Map<System, Map<string, readonly string[]>>();
let hdfs: Hdfs;

before(async () => {
  if (missing !== false) return;
  hdfs = await startHdfs();
  for (const system of ['flume', 'millrace'] as const) observed.set(system, await observe(system));
});
after(() => (missing === false ? hdfs.stop() : undefined));

for (const { name } of cases) {
  test(`the same files with the same bytes as Flume's: ${name}`, { skip: missing, timeout: 120_000 }, () => {
    const ours = observed.get('millrace')?.get(name);
    assert.deepEqual(ours, observed.get('flume')?.get(name));
    assert.ok((ours?.length ?? 0) > 0);
  });
}

/** Runs all cases in one agent; what each left, as `name: content` of every file. */
async function observe(system: System): Promise<Map<string, readonly string[]>> {
  const ports = await freePorts(cases.length);
  const conf = confOf(system, ports);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-side-'));
  try {
    const agent = await (system === 'flume' ? flume(folder, conf) : millrace(folder, conf));
    try {
      await Promise.all(cases.map((one, index) => drive(one, ports[index] ?? 0)));
      await until(() => `every line is in HDFS; ${system} said last:\n${agent.lines.slice(-30).join('\n')}`, async () => (await agent.drained()) || undefined, 60_000);
    } finally {
      await agent.stop();
    }
    const result = new Map<string, readonly string[]>();
    for (const [index, one] of cases.entries()) result.set(one.name, await contents(one, `/${system}/${index}`));
    return result;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function confOf(system: System, ports: readonly number[]): string {
  const of = (letter: string): string => cases.map((_, index) => `${letter}${index}`).join(' ');
  const lines = [`a1.sources = ${of('r')}`, `a1.channels = ${of('c')}`, `a1.sinks = ${of('k')}`];
  const fixed = { 'hdfs.rollInterval': '0', 'hdfs.rollCount': '0', 'hdfs.rollSize': '0', 'hdfs.timeZone': 'UTC' };
  for (const [index, { sink, interceptors = {}, path = '' }] of cases.entries()) {
    const names = Object.keys(interceptors);
    const source: Record<string, string> = { type: 'netcat', bind: '127.0.0.1', port: String(ports[index]), 'max-line-length': '5000', channels: `c${index}` };
    if (names.length > 0) source['interceptors'] = names.join(' ');
    for (const [name, properties] of Object.entries(interceptors)) {
      for (const [key, value] of Object.entries(properties)) source[`interceptors.${name}.${key}`] = value;
    }
    const target = { type: 'hdfs', channel: `c${index}`, 'hdfs.path': `${hdfs.uri}/${system}/${index}${path}`, ...fixed, ...sink };
    for (const [key, value] of Object.entries(source)) lines.push(`a1.sources.r${index}.${key} = ${value}`);
    lines.push(`a1.channels.c${index}.type = memory`);
    for (const [key, value] of Object.entries(target)) lines.push(`a1.sinks.k${index}.${key} = ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

interface Running {
  readonly lines: readonly string[];
  drained(): Promise<boolean>;
  stop(): Promise<unknown>;
}

async function millrace(folder: string, conf: string): Promise<Running> {
  const agent = await startAgent({ conf, folder, env: { HADOOP_CONF_DIR: hdfs.confFolder, HOME: folder } });
  await agent.ready();
  return { lines: agent.lines, drained: async () => isDrained(await agent.metrics()), stop: () => agent.stop(20_000) };
}

async function flume(folder: string, conf: string): Promise<Running> {
  const [monitoringPort = 0] = await freePorts(1);
  const daemon = await startFlume({ conf, agent: 'a1', complete: true, siteFolder: hdfs.confFolder, cwd: folder, monitoringPort, properties: { 'user.timezone': 'UTC' } });
  await until(() => `Flume runs; it said last:\n${daemon.lines.slice(-30).join('\n')}`, async () => Object.keys(await daemon.metrics()).length >= 2 * cases.length || undefined, 30_000);
  return { lines: daemon.lines, drained: async () => isDrained(await daemon.metrics()), stop: () => daemon.stop(30_000) };
}

function isDrained(metrics: Readonly<Record<string, Readonly<Record<string, string>>>>): boolean {
  return cases.every(({ lines }, index) => Number(metrics[`SINK.k${index}`]?.['EventDrainSuccessCount']) === lines.length);
}

/** One line after the other has its answer, so that their order is the same everywhere. */
async function drive({ name, lines }: HdfsCase, port: number): Promise<void> {
  const client = await until('the source answers', () => TcpClient.to(port).catch(() => undefined), 30_000);
  for (const line of lines) await client.send(`${line}\n`);
  await until(() => `every line of "${name}" is answered: ${client.text}`, () => client.text.split('OK').length > lines.length || undefined, 30_000);
  client.socket.end();
}

/** Counters are made of the clock: they stand in the order of the files. */
async function contents({ read }: HdfsCase, path: string): Promise<string[]> {
  const names = [...(await hdfs.files(path)).keys()].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const counters = new Map<string, number>();
  const shown: string[] = [];
  for (const name of names) {
    const stem = name.replace(/\.\d{13}/, '.N');
    const rank = (counters.get(stem) ?? 0) + 1;
    counters.set(stem, rank);
    shown.push(`${stem.slice(path.length).replace('.N', `.${rank}`)}: ${await readable(name, read)}`);
  }
  return shown;
}

async function readable(name: string, kind: HdfsCase['read']): Promise<string> {
  if (kind === 'hadoop') return (await hdfs.shell('-text', name)).toString('latin1');
  const bytes = await hdfs.read(name);
  if (kind === 'gzip') return gunzipSync(bytes).toString('latin1');
  if (kind === 'deflate') return unpack(bytes);
  if (kind !== 'avro') return bytes.toString('latin1');
  const { metadata, records, count } = readContainer(bytes) ?? {};
  return JSON.stringify({ metadata, records: records?.toString('latin1'), count });
}

/** Streams one behind the other. */
function unpack(bytes: Buffer): string {
  let text = '';
  for (let rest = bytes; rest.length > 0; ) {
    const { buffer, engine } = inflateSync(rest, { info: true }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    text += buffer.toString('latin1');
    rest = rest.subarray(engine.bytesWritten);
  }
  return text;
}
