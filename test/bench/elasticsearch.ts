/**
 * `node test/bench/elasticsearch.ts [ROUNDS [EVENTS [null]]]`: a backlog in the durable channel goes to OpenSearch, beside a plain `_bulk`
 * loop with undici; with `null`, to a server that answers and keeps nothing, so that its own pace hides neither of the two. Run `npm run prepare` first: the launcher takes the sources where they are newer than the build.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, type RunningAgent } from '../harness/agent.ts';
import { startDaemon } from '../servers/daemon.ts';
import { openSearchMissing, startOpenSearch } from '../servers/opensearch.ts';
import { Backlog } from './backlog.ts';
import { figuresOf } from './process-figures.ts';

const LINE_BYTES = 100;
const PER_REQUEST = 2000;

interface Figures {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

const rounds = Number(process.argv[2] ?? 3);
const events = Number(process.argv[3] ?? 200_000);
const plain = process.argv[4] === 'null';
const missing = plain ? false : openSearchMissing();
if (missing === false) await bench();
else console.log(`left out: ${missing}`);

interface Target {
  readonly url: string;
  /** Prepares for documents under this name. */
  make(name: string): Promise<unknown>;
  stop(): Promise<unknown>;
}

async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-search-'));
  const engine = await (plain ? startPlain() : startReal());
  try {
    const backlog = new Backlog(folder, events, LINE_BYTES);
    await backlog.fill();
    const where = plain ? 'a server that keeps nothing' : 'OpenSearch';
    console.log(`### elasticsearch: ${events} lines of ${LINE_BYTES} B, ${PER_REQUEST} a request, to ${where} on the same machine\n`);
    console.log('| round | subject | documents/s | CPU s | peak MB | times the loop |\n|---|---|---:|---:|---:|---:|');
    for (let round = 0; round <= rounds; round++) {
      const loop = await withLoop(engine, await index(engine, `loop-${round}`));
      const agent = await withAgent(engine, await index(engine, `agent-${round}`), backlog);
      // The first round warms the server up.
      if (round > 0) for (const [subject, figures] of [['undici loop', loop], ['durable channel → elasticsearch', agent]] as const) row(round, subject, figures, loop);
    }
  } finally {
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function row(round: number, subject: string, { seconds, cpuSeconds, peakMb }: Figures, loop: Figures): void {
  console.log(`| ${round} | ${subject} | ${Math.round(events / seconds)} | ${cpuSeconds.toFixed(1)} | ${peakMb.toFixed(0)} | ${(loop.seconds / seconds).toFixed(2)} |`);
}

async function startReal(): Promise<Target> {
  const engine = await startOpenSearch({ heap: '768m' });
  const settings = { number_of_replicas: 0, number_of_shards: 1, refresh_interval: '-1' };
  const make = (name: string): Promise<unknown> => engine.ask('PUT', name, { settings, mappings: { properties: { '@message': { type: 'text' } } } });
  return { url: engine.url, make, stop: () => engine.stop() };
}

async function startPlain(): Promise<Target> {
  const daemon = startDaemon({ command: 'node', args: [join(root, 'test/bench/baselines/bulk-server.ts')] });
  const { port } = JSON.parse(await daemon.line(/"port"/, 20_000)) as { port: number };
  return { url: `http://127.0.0.1:${port}`, make: () => Promise.resolve(), stop: () => daemon.stop() };
}

async function index(target: Target, name: string): Promise<string> {
  await target.make(name);
  return name;
}

async function withLoop({ url }: Target, name: string): Promise<Figures> {
  const daemon = startDaemon({ command: 'node', args: [join(root, 'test/bench/baselines/bulk-loop.ts'), url, name, ...[events, PER_REQUEST, LINE_BYTES].map(String)] });
  const figures = JSON.parse(await daemon.line(/"seconds"/, 180_000)) as Figures;
  await daemon.ended;
  return figures;
}

async function withAgent({ url }: Target, name: string, backlog: Backlog): Promise<Figures> {
  const agent = await backlog.drain({
    type: 'elasticsearch',
    hostNames: url,
    indexName: name,
    indexNameBuilder: 'org.apache.flume.sink.elasticsearch.SimpleIndexNameBuilder',
    batchSize: String(PER_REQUEST),
  });
  try {
    const before = await drained(agent);
    const cpuBefore = figuresOf(agent.pid).cpuSeconds;
    const began = performance.now();
    await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === events, 180_000);
    const seconds = (performance.now() - began) / 1000;
    const { cpuSeconds, peakMb } = figuresOf(agent.pid);
    // What went before the clock was started counts as if it had gone at the same speed.
    return { seconds: (seconds * events) / (events - before), cpuSeconds: cpuSeconds - cpuBefore, peakMb };
  } finally {
    await agent.stop();
  }
}

async function drained(agent: RunningAgent): Promise<number> {
  return Number((await agent.metrics())['SINK.k1']?.EventDrainSuccessCount ?? 0);
}
