import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Authority, certificatesAvailable } from '../harness/certificates.ts';
import { root, startAgent, type RunningAgent } from '../harness/agent.ts';
import { startDaemon } from '../servers/daemon.ts';
import type { S3Server } from '../servers/s3-server.ts';
import { startVersitygw, versitygwMissing } from '../servers/versitygw.ts';
import { figuresOf } from './process-figures.ts';

const OBJECTS = 10;
const EVENTS_EACH = 600_000;
const LINE_BYTES = 100;
const BYTES_EACH = EVENTS_EACH * (LINE_BYTES + 1);
const BUCKET = 'bench';

interface Figures {
  readonly subject: string;
  readonly megabytesPerSecond: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

/** A server, and by whom its certificate is signed, if it has one. */
interface Target extends S3Server {
  readonly ca?: string;
}

/**
 * A backlog in the durable channel goes to S3, beside the SDK that uploads the same bytes as files: over HTTPS, where neither makes a SHA-256
 * of the bodies, and over plain HTTP, where the sink does and the SDK, with a stream as its body, does not.
 */
export async function s3Bench(rounds: number): Promise<void> {
  const missing = versitygwMissing() || certificatesAvailable();
  if (missing !== false) return console.log(`S3 is left out: ${missing}`);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-s3-'));
  const authority = new Authority();
  try {
    const files = await fill(folder);
    for (const pem of [authority.sign('server').pem, undefined]) {
      const server = await startVersitygw(pem === undefined ? {} : { pem });
      try {
        await beside({ ...server, ...(pem !== undefined && { ca: authority.trustPem }) }, folder, files, rounds);
      } finally {
        await server.stop();
      }
    }
  } finally {
    authority.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function beside(server: Target, folder: string, files: readonly string[], rounds: number): Promise<void> {
  const requestHandler = server.ca === undefined ? {} : { httpsAgent: new Agent({ ca: readFileSync(server.ca) }) };
  const client = new S3Client({ region: server.region, endpoint: server.endpoint, forcePathStyle: true, credentials: server, requestHandler });
  try {
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const { protocol } = new URL(server.endpoint);
    console.log(`### S3 over ${protocol.slice(0, -1)}: ${OBJECTS} objects of ${(BYTES_EACH / 1e6).toFixed(0)} MB, ${LINE_BYTES} B lines, to versitygw on the same machine\n`);
    console.log('| round | subject | MB/s | CPU s | peak MB | times the SDK, 1 file at a time | times the SDK, 4 at a time |\n|---|---|---:|---:|---:|---:|---:|');
    for (let round = 1; round <= rounds; round++) {
      const one = await withSdk(server, files, 1);
      const four = await withSdk(server, files, 4);
      const measured = [one, four, await withAgent(server, folder, 'durable channel → s3', {}), await withAgent(server, folder, 'the same, 100 a batch', { 's3.batchSize': '100' })];
      for (const { subject, megabytesPerSecond: speed, cpuSeconds, peakMb } of measured) {
        const times = [one, four].map((base) => (speed / base.megabytesPerSecond).toFixed(2)).join(' | ');
        console.log(`| ${round} | ${subject} | ${speed.toFixed(0)} | ${cpuSeconds.toFixed(1)} | ${peakMb.toFixed(0)} | ${times} |`);
      }
    }
    console.log('');
  } finally {
    client.destroy();
  }
}

/** The backlog, in a channel that is copied for each round; the same bytes as files. */
async function fill(folder: string): Promise<string[]> {
  const agent = await startAgent({ conf: conf([]), folder: join(folder, 'full'), env: { MILLRACE_DEV: '' } });
  await agent.ready();
  const lines = OBJECTS * EVENTS_EACH;
  const sender = startDaemon({ command: 'node', args: [join(root, 'test/bench/sender.ts'), ...[await agent.port('r1'), lines, 1, LINE_BYTES].map(String)] });
  await sender.ended;
  await agent.counter('CHANNEL.c1', 'ChannelSize', (size) => size === lines, 120_000);
  await agent.stop();
  const text = Buffer.alloc(BYTES_EACH, `${'x'.repeat(LINE_BYTES)}\n`);
  return Array.from({ length: OBJECTS }, (_, index) => {
    const path = join(folder, `file-${index}`);
    writeFileSync(path, text);
    return path;
  });
}

function conf(sink: readonly string[]): string {
  return [
    'a1.sources = r1',
    'a1.channels = c1',
    ...(sink.length > 0 ? ['a1.sinks = k1'] : []),
    'a1.sources.r1.type = netcat',
    'a1.sources.r1.bind = 127.0.0.1',
    'a1.sources.r1.port = 0',
    'a1.sources.r1.ack-every-event = false',
    'a1.sources.r1.channels = c1',
    'a1.channels.c1.type = file',
    'a1.channels.c1.capacity = 100000000',
    'a1.channels.c1.checkpointDir = @FOLDER@/checkpoint',
    'a1.channels.c1.dataDirs = @FOLDER@/data',
    ...sink,
  ].join('\n');
}

async function withSdk(server: Target, files: readonly string[], atATime: number): Promise<Figures> {
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const daemon = startDaemon({ command: 'node', args: [join(root, 'test/bench/baselines/s3-files.ts'), endpoint, accessKeyId, secretAccessKey, BUCKET, String(atATime), ...files], env: server.ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: server.ca } });
  const { seconds, cpuSeconds, peakMb } = JSON.parse(await daemon.line(/"seconds"/, 120_000)) as Record<'seconds' | 'cpuSeconds' | 'peakMb', number>;
  await daemon.ended;
  return { subject: `SDK, files, ${atATime} at a time`, megabytesPerSecond: (OBJECTS * BYTES_EACH) / 1e6 / seconds, cpuSeconds, peakMb };
}

async function withAgent(server: Target, folder: string, subject: string, properties: Record<string, string>): Promise<Figures> {
  const run = join(folder, 'run');
  rmSync(run, { recursive: true, force: true });
  cpSync(join(folder, 'full'), run, { recursive: true });
  const settings: Record<string, string> = {
    type: 's3',
    channel: 'c1',
    's3.bucket': BUCKET,
    's3.prefix': 'agent',
    's3.endpoint': server.endpoint,
    's3.accessKeyId': server.accessKeyId,
    's3.secretAccessKey': server.secretAccessKey,
    ...(server.ca !== undefined && { 's3.caCertificates': server.ca }),
    's3.stageDirectory': '@FOLDER@/stage',
    's3.rollSize': '0',
    's3.rollInterval': '0',
    's3.rollCount': String(EVENTS_EACH),
    's3.batchSize': '10000',
    ...properties,
  };
  const agent = await startAgent({ conf: conf(Object.entries(settings).map(([key, value]) => `a1.sinks.k1.${key} = ${value}`)), folder: run, env: { MILLRACE_DEV: '' } });
  try {
    await agent.ready();
    const began = performance.now();
    const before = figuresOf(agent.pid);
    await untilStored(agent);
    const seconds = (performance.now() - began) / 1000;
    const after = figuresOf(agent.pid);
    return { subject, megabytesPerSecond: (OBJECTS * BYTES_EACH) / 1e6 / seconds, cpuSeconds: after.cpuSeconds - before.cpuSeconds, peakMb: after.peakMb };
  } finally {
    await agent.stop();
  }
}

async function untilStored(agent: RunningAgent): Promise<void> {
  for (;;) {
    const count = Number((await agent.metrics())['SINK.k1']?.['ObjectsStored'] ?? 0);
    if (count >= OBJECTS) return;
    await sleep(25);
  }
}
