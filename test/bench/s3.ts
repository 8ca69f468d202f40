import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Authority, certificatesAvailable } from '../harness/certificates.ts';
import { root, type RunningAgent } from '../harness/agent.ts';
import { startDaemon } from '../servers/daemon.ts';
import type { S3Server } from '../servers/s3-server.ts';
import { startVersitygw, versitygwMissing } from '../servers/versitygw.ts';
import { Backlog, diskAtRest } from './backlog.ts';
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
    const files = writeFiles(folder);
    const backlog = new Backlog(folder, OBJECTS * EVENTS_EACH, LINE_BYTES);
    await backlog.fill();
    for (const pem of [authority.sign('server').pem, undefined]) {
      const server = await startVersitygw(pem === undefined ? {} : { pem });
      try {
        await beside({ ...server, ...(pem !== undefined && { ca: authority.trustPem }) }, backlog, files, rounds);
      } finally {
        await server.stop();
      }
    }
  } finally {
    authority.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function beside(server: Target, backlog: Backlog, files: readonly string[], rounds: number): Promise<void> {
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
      const measured = [one, four, await withAgent(server, backlog, 'durable channel → s3', {}), await withAgent(server, backlog, 'the same, 100 a batch', { 's3.batchSize': '100' })];
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

/** The bytes of the backlog as files. */
function writeFiles(folder: string): string[] {
  const text = Buffer.alloc(BYTES_EACH, `${'x'.repeat(LINE_BYTES)}\n`);
  return Array.from({ length: OBJECTS }, (_, index) => {
    const path = join(folder, `file-${index}`);
    writeFileSync(path, text);
    return path;
  });
}

async function withSdk(server: Target, files: readonly string[], atATime: number): Promise<Figures> {
  const { endpoint, accessKeyId, secretAccessKey } = server;
  diskAtRest();
  const daemon = startDaemon({ command: 'node', args: [join(root, 'test/bench/baselines/s3-files.ts'), endpoint, accessKeyId, secretAccessKey, BUCKET, String(atATime), ...files], env: server.ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: server.ca } });
  const { seconds, cpuSeconds, peakMb } = JSON.parse(await daemon.line(/"seconds"/, 120_000)) as Record<'seconds' | 'cpuSeconds' | 'peakMb', number>;
  await daemon.ended;
  return { subject: `SDK, files, ${atATime} at a time`, megabytesPerSecond: (OBJECTS * BYTES_EACH) / 1e6 / seconds, cpuSeconds, peakMb };
}

async function withAgent(server: Target, backlog: Backlog, subject: string, properties: Record<string, string>): Promise<Figures> {
  const agent = await backlog.drain({
    type: 's3',
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
  });
  try {
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
