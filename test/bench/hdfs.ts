/**
 * What a durable channel holds, drained into a real HDFS: Millrace beside real Flume on the same server, with the same configuration. The
 * channel is filled first by an agent without a sink, so that the sink alone is measured: from the first tenth that has left to the last
 * event. What then lies in HDFS is counted.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../harness/agent.ts';
import { freePort, startDaemon, until, type Daemon } from '../servers/daemon.ts';
import { classPath, getFlume } from '../servers/flume.ts';
import { hdfsMissing, startHdfs, type Hdfs } from '../servers/hdfs.ts';
import { figuresOf } from './process-figures.ts';

const LINE_BYTES = 100;

interface Figures {
  readonly eventsPerSecond: number;
  readonly cpuPerMillion: number;
  readonly peakMb: number;
}

/** Prints a table of `rounds` runs of each. */
export async function drainIntoHdfs(rounds: number, withoutFlume: boolean): Promise<void> {
  const missing = hdfsMissing();
  if (missing !== false) return console.log(`### hdfs\n\nleft out: ${missing}\n`);
  const hdfs = await startHdfs();
  console.log('### hdfs: file channel, filled before → hdfs DataStream, hdfs.batchSize 1000, TEXT\n');
  console.log('| round | subject | events/s | CPU s per million | peak MB | events/s, times Flume | CPU, times Flume |');
  console.log('|---|---|---:|---:|---:|---:|---:|');
  try {
    for (let round = 1; round <= rounds; round++) {
      const flume = withoutFlume ? undefined : await measure(hdfs, `/bench/flume${round}`, 300_000, startFlume);
      const ours = await measure(hdfs, `/bench/millrace${round}`, 2_000_000, startMillrace);
      if (flume) console.log(row(round, 'Flume 1.11', flume, flume));
      console.log(row(round, 'Millrace', ours, flume));
    }
  } finally {
    await hdfs.stop();
  }
}

function row(round: number, subject: string, figures: Figures, flume: Figures | undefined): string {
  const times = (pick: (of: Figures) => number): string => (flume ? (pick(figures) / pick(flume)).toFixed(2) : '');
  const cells = [round, subject, Math.round(figures.eventsPerSecond).toLocaleString('en'), figures.cpuPerMillion.toFixed(2), figures.peakMb.toFixed(0)];
  return `| ${[...cells, times((of) => of.eventsPerSecond), times((of) => of.cpuPerMillion)].join(' | ')} |`;
}

type Start = (conf: string, folder: string, hdfs: Hdfs, monitoring: number) => Promise<Daemon>;

async function measure(hdfs: Hdfs, path: string, events: number, start: Start): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const monitoring = await freePort();
  try {
    const filling = await start(confOf(folder, [
      'a1.sources = r1',
      'a1.sources.r1.type = org.apache.flume.source.StressSource',
      `a1.sources.r1.size = ${LINE_BYTES}`,
      'a1.sources.r1.batchSize = 1000',
      `a1.sources.r1.maxTotalEvents = ${events}`,
      'a1.sources.r1.channels = c1',
    ]), folder, hdfs, monitoring);
    await counted(filling, monitoring, 'CHANNEL.c1', 'EventPutSuccessCount', events);
    await filling.stop();
    const draining = await start(confOf(folder, [
      'a1.sinks = k1',
      'a1.sinks.k1.type = hdfs',
      'a1.sinks.k1.channel = c1',
      `a1.sinks.k1.hdfs.path = ${hdfs.uri}${path}`,
      'a1.sinks.k1.hdfs.fileType = DataStream',
      'a1.sinks.k1.hdfs.batchSize = 1000',
      'a1.sinks.k1.hdfs.rollInterval = 0',
      'a1.sinks.k1.hdfs.rollCount = 0',
      'a1.sinks.k1.hdfs.rollSize = 0',
    ]), folder, hdfs, monitoring);
    const first = await counted(draining, monitoring, 'SINK.k1', 'EventDrainSuccessCount', events / 10);
    const [began, before] = [performance.now(), figuresOf(draining.pid)];
    await counted(draining, monitoring, 'SINK.k1', 'EventDrainSuccessCount', events);
    const [seconds, after] = [(performance.now() - began) / 1000, figuresOf(draining.pid)];
    await draining.stop();
    const bytes = [...(await hdfs.files(path)).values()].reduce((sum, length) => sum + length, 0);
    if (bytes !== events * (LINE_BYTES + 1)) throw new Error(`${bytes} bytes lie in ${path}, not ${events * (LINE_BYTES + 1)}`);
    const measured = events - first;
    return { eventsPerSecond: measured / seconds, cpuPerMillion: (after.cpuSeconds - before.cpuSeconds) / (measured / 1e6), peakMb: after.peakMb };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function confOf(folder: string, lines: readonly string[]): string {
  return [
    'a1.channels = c1',
    'a1.channels.c1.type = file',
    `a1.channels.c1.checkpointDir = ${folder}/checkpoint`,
    `a1.channels.c1.dataDirs = ${folder}/data`,
    'a1.channels.c1.capacity = 3000000',
    'a1.channels.c1.transactionCapacity = 1000',
    ...lines,
    '',
  ].join('\n');
}

async function counted(daemon: Daemon, port: number, component: string, attribute: string, wanted: number): Promise<number> {
  return until(`${wanted} events in ${attribute}`, async () => {
    if (!daemon.running()) throw new Error(daemon.lines.slice(-20).join('\n'));
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } });
    const all = (await answer.json()) as Record<string, Record<string, string>>;
    const count = Number(all[component]?.[attribute] ?? 0);
    return count >= wanted ? count : undefined;
  }, 240_000);
}

const properties = (monitoring: number): string[] => ['-Dflume.monitoring.type=http', `-Dflume.monitoring.port=${monitoring}`];
const words = (file: string): string[] => ['--name', 'a1', '--conf-file', file, '--no-reload-conf'];

async function startMillrace(conf: string, folder: string, hdfs: Hdfs, monitoring: number): Promise<Daemon> {
  const file = join(folder, 'x.conf');
  await writeFile(file, conf);
  const program = ['--max-semi-space-size=1', '--expose-gc', join(root, 'dist/bin/millrace.js'), 'agent'];
  return startDaemon({ command: 'node', args: [...program, ...properties(monitoring), ...words(file)], env: { HADOOP_CONF_DIR: hdfs.confFolder, HOME: folder } });
}

async function startFlume(conf: string, folder: string, hdfs: Hdfs, monitoring: number): Promise<Daemon> {
  const file = join(folder, 'x.conf');
  await writeFile(file, conf);
  const path = `${hdfs.confFolder}:${await classPath(await getFlume(true))}`;
  return startDaemon({ command: 'java', args: ['-Xmx512m', ...properties(monitoring), '-cp', path, 'org.apache.flume.node.Application', ...words(file)], cwd: folder });
}
