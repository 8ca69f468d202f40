/**
 * `node test/bench/kafka.ts [--rounds N] [--records N] [--no-flume] [W8] [W8b]`: into Kafka and out of it, beside Kafka's own programs, the client
 * library used plainly, and Flume; broker and subjects on the same machine. Build first (`npm run prepare`). Everything is counted.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Admin } from '@platformatic/kafka';
import { root } from '../harness/agent.ts';
import { freePort, startDaemon, type Daemon } from '../servers/daemon.ts';
import { classPath, flumeAvailable, getFlume } from '../servers/flume.ts';
import { getKafkaTools, kafkaMissing, startKafka, type Kafka } from '../servers/kafka.ts';
import { figuresOf } from './process-figures.ts';

const LINE_BYTES = 100;
const PARTITIONS = 4;

interface Figures {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

interface Subject {
  readonly name: string;
  readonly records: number;
  run(records: number): Promise<Figures>;
}

const words = process.argv.slice(2);
const numberOf = (option: string, otherwise: number): number => (words.includes(option) ? Number(words[words.indexOf(option) + 1]) : otherwise);
const rounds = numberOf('--rounds', 3);
const records = numberOf('--records', 3_000_000);
const wanted = words.filter((word) => word.startsWith('W'));
const withFlume = !words.includes('--no-flume') && flumeAvailable() === false;
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-kafka-'));

const missing = kafkaMissing();
if (missing === false) await bench();
else console.log(`left out: ${missing}`);

async function bench(): Promise<void> {
  const tools = await getKafkaTools();
  const kafka = await startKafka();
  try {
    if (wanted.length === 0 || wanted.includes('W8')) await report('W8', 'TAILDIR → memory → Kafka sink, acks=all, lz4', await producers(kafka, tools));
    if (wanted.length === 0 || wanted.includes('W8b')) await report('W8b', 'Kafka source → memory → null, lz4 as the Java producer writes it', await consumers(kafka, tools));
  } finally {
    await kafka.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function report(name: string, what: string, subjects: readonly Subject[]): Promise<void> {
  console.log(`### ${name}: ${what}\n\n${records.toLocaleString('en')} records of ${LINE_BYTES} B, ${PARTITIONS} partitions; ${rounds} rounds after one to warm the broker, subjects in turn; medians.\n`);
  console.log('| subject | records/s | CPU s per million | peak MB | records/s, times the first | CPU, times the first |\n|---|---:|---:|---:|---|---|');
  const results: Figures[][] = subjects.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, subject] of subjects.entries()) {
      if (round === 0 && index > 1) continue;
      const figures = await subject.run(subject.records);
      // Per million, so that subjects that get fewer records can be compared.
      const per = subject.records / 1e6;
      if (process.stderr.isTTY) process.stderr.write(`${name} round ${round} ${subject.name}: ${(per / figures.seconds).toFixed(2)} M records/s, ${(figures.cpuSeconds / per).toFixed(2)} CPU s per million, ${figures.peakMb.toFixed(0)} MB\n`);
      if (round > 0) results[index]?.push({ seconds: figures.seconds / per, cpuSeconds: figures.cpuSeconds / per, peakMb: figures.peakMb });
    }
  }
  for (const [index, { name: subject }] of subjects.entries()) {
    const own = results[index] as Figures[];
    const first = results[0] as Figures[];
    const times = (pick: (figures: Figures) => number): string => own.map((figures, round) => pick(figures) / pick(first[round] as Figures)).map((ratio) => ratio.toFixed(2)).join(' ');
    const middle = (pick: (figures: Figures) => number): number => own.map(pick).toSorted((a, b) => a - b)[Math.floor(own.length / 2)] as number;
    const cells = [
      subject,
      Math.round(1e6 / middle(({ seconds }) => seconds)).toLocaleString('en'),
      middle(({ cpuSeconds }) => cpuSeconds).toFixed(2),
      middle(({ peakMb }) => peakMb).toFixed(0),
      times(({ seconds }) => 1 / seconds),
      times(({ cpuSeconds }) => cpuSeconds),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  console.log('');
}

async function producers(kafka: Kafka, tools: string): Promise<Subject[]> {
  mkdirSync(join(folder, 'in'));
  await makeInput(join(folder, 'in', 'app.log'), records);
  const conf = (topic: string): string[] => [
    'a1.sources.r1.type = TAILDIR',
    'a1.sources.r1.filegroups = f1',
    `a1.sources.r1.filegroups.f1 = ${folder}/in/.*`,
    'a1.sources.r1.positionFile = @RUN@/positions.json',
    'a1.sources.r1.batchSize = 1000',
    'a1.sinks.k1.type = org.apache.flume.sink.kafka.KafkaSink',
    `a1.sinks.k1.kafka.bootstrap.servers = ${kafka.plain}`,
    `a1.sinks.k1.kafka.topic = ${topic}`,
    'a1.sinks.k1.flumeBatchSize = 1000',
    'a1.sinks.k1.kafka.producer.acks = all',
    'a1.sinks.k1.kafka.producer.compression.type = lz4',
  ];
  const into = (name: string, count: number, run: (topic: string, count: number) => Promise<Figures>): Subject => ({
    name,
    records: count,
    run: async (number) => {
      const topic = await newTopic(kafka);
      const figures = await run(topic, number);
      const stored = await storedIn(kafka, topic);
      if (stored !== number) throw new Error(`${name}: ${stored} of ${number} records are in the topic`);
      await dropTopic(kafka, topic);
      return figures;
    },
  });
  const performance = (topic: string, count: number): string[] => ['ProducerPerformance', '--topic', topic, '--num-records', String(count), '--record-size', String(LINE_BYTES), '--throughput', '-1', '--producer-props', `bootstrap.servers=${kafka.plain}`, 'acks=all', 'compression.type=lz4'];
  return [
    into("Kafka's ProducerPerformance", records, async (topic, count) => {
      const { figures, lines } = await java(tools, performance(topic, count));
      const perSecond = Number(/([\d.]+) records\/sec/.exec(lines.findLast((line) => line.includes('records sent')) ?? '')?.[1]);
      return { ...figures, seconds: count / perSecond };
    }),
    into('Millrace', records, (topic, count) => agent(conf(topic), 'SINK.k1', 'EventDrainSuccessCount', count, 'ours')),
    into('the library, plainly', Math.round(records / 3), (topic, count) => plain('produce', kafka, topic, count)),
    ...(withFlume ? [into('Flume 1.11', records, (topic, count) => agent(conf(topic), 'SINK.k1', 'EventDrainSuccessCount', count, 'flume'))] : []),
  ];
}

async function consumers(kafka: Kafka, tools: string): Promise<Subject[]> {
  const topic = await newTopic(kafka);
  await java(tools, ['ProducerPerformance', '--topic', topic, '--num-records', String(records), '--record-size', String(LINE_BYTES), '--throughput', '-1', '--producer-props', `bootstrap.servers=${kafka.plain}`, 'acks=all', 'compression.type=lz4']);
  const conf = (): string[] => [
    'a1.sources.r1.type = org.apache.flume.source.kafka.KafkaSource',
    `a1.sources.r1.kafka.bootstrap.servers = ${kafka.plain}`,
    `a1.sources.r1.kafka.topics = ${topic}`,
    `a1.sources.r1.kafka.consumer.group.id = ${randomUUID()}`,
    'a1.sources.r1.kafka.consumer.auto.offset.reset = earliest',
    'a1.sources.r1.batchSize = 1000',
    'a1.sinks.k1.type = null',
    'a1.sinks.k1.batchSize = 1000',
  ];
  return [
    { name: 'the library, plainly', records, run: (count) => plain('consume', kafka, topic, count) },
    { name: 'Millrace', records, run: (count) => agent(conf(), 'CHANNEL.c1', 'EventTakeSuccessCount', count, 'ours') },
    {
      name: "Kafka's ConsumerPerformance",
      records,
      run: async (count) => {
        const { figures, lines } = await java(tools, ['ConsumerPerformance', '--bootstrap-server', kafka.plain, '--topic', topic, '--num-records', String(count), '--group', randomUUID(), '--hide-header']);
        const cells = lines.findLast((line) => /^\d{4}-/.test(line))?.split(',') ?? [];
        // Its ninth figure: records per second of fetching, without the time to join the group.
        return { ...figures, seconds: count / Number(cells[9]) };
      },
    },
    ...(withFlume ? [{ name: 'Flume 1.11', records, run: (count: number) => agent(conf(), 'CHANNEL.c1', 'EventTakeSuccessCount', count, 'flume') }] : []),
  ];
}

/** Letters at random, as ProducerPerformance writes them, on a line each. */
async function makeInput(path: string, lines: number): Promise<void> {
  const file = createWriteStream(path);
  const block = Buffer.alloc(1000 * (LINE_BYTES + 1));
  for (let done = 0; done < lines; done += 1000) {
    for (let at = 0; at < block.length; at++) block[at] = at % (LINE_BYTES + 1) === LINE_BYTES ? 10 : 65 + Math.floor(Math.random() * 26);
    if (!file.write(Buffer.from(block))) await once(file, 'drain');
  }
  file.end();
  await finished(file);
}

async function java(tools: string, [program = '', ...args]: readonly string[]): Promise<{ figures: Omit<Figures, 'seconds'>; lines: readonly string[] }> {
  const daemon = startDaemon({ command: 'java', args: ['-Xmx512m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', `${tools}/*`, `org.apache.kafka.tools.${program}`, ...args] });
  let last = figuresOf(daemon.pid);
  let running = true;
  const ended = daemon.ended.finally(() => (running = false));
  while (running) {
    try {
      const figures = figuresOf(daemon.pid);
      // A process that has ended and was not waited for has no memory any more.
      if (!Number.isNaN(figures.peakMb)) last = figures;
    } catch {
      break;
    }
    await sleep(20);
  }
  if ((await ended) !== 0) throw new Error(`${program} failed:\n${daemon.lines.slice(-20).join('\n')}`);
  return { figures: last, lines: daemon.lines };
}

async function plain(what: 'produce' | 'consume', kafka: Kafka, topic: string, count: number): Promise<Figures> {
  const daemon = startDaemon({ command: 'node', args: [join(root, 'test/bench/baselines/kafka-client.ts'), what, kafka.plain, topic, String(count), String(LINE_BYTES)] });
  const figures = JSON.parse(await daemon.line(/"seconds"/, 120_000)) as Figures;
  await daemon.ended;
  return figures;
}

/** From the first events that are counted to the last. CPU from the start of the process on for what writes, as with Kafka's own programs; otherwise as the time. */
async function agent(conf: readonly string[], component: string, attribute: string, count: number, whose: 'ours' | 'flume'): Promise<Figures> {
  const run = mkdtempSync(join(folder, 'run-'));
  const port = await freePort();
  const file = join(run, 'x.conf');
  const frame = ['a1.sources = r1', 'a1.channels = c1', 'a1.sinks = k1', 'a1.sources.r1.channels = c1', 'a1.sinks.k1.channel = c1', 'a1.channels.c1.type = memory', 'a1.channels.c1.capacity = 10000', 'a1.channels.c1.transactionCapacity = 1000'];
  writeFileSync(file, `${[...frame, ...conf].join('\n').replaceAll('@RUN@', run)}\n`);
  const properties = ['-Dflume.monitoring.type=http', `-Dflume.monitoring.port=${port}`];
  const ending = ['--name', 'a1', '--conf-file', file, '--no-reload-conf'];
  const ours = ['--max-semi-space-size=1', '--expose-gc', ...words.filter((word) => word.startsWith('--cpu-prof')), join(root, 'dist/bin/millrace.js'), 'agent', ...properties, ...ending];
  const daemon =
    whose === 'ours'
      ? startDaemon({ command: 'node', args: ours })
      : startDaemon({ command: 'java', args: ['-Xmx512m', ...properties, '-cp', await classPath(await getFlume(true)), 'org.apache.flume.node.Application', ...ending] });
  try {
    return await counted(daemon, port, component, attribute, count);
  } finally {
    await daemon.stop();
    rmSync(run, { recursive: true, force: true });
  }
}

async function counted(daemon: Daemon, port: number, component: string, attribute: string, wanted: number): Promise<Figures> {
  let began = 0;
  let first = 0;
  let cpuBefore = 0;
  for (let last = 0, lastMs = performance.now(); ; await sleep(25)) {
    const count = await counterOf(port, component, attribute);
    if (began === 0 && count > 0) [began, first, cpuBefore] = [performance.now(), count, component.startsWith('SINK') ? 0 : figuresOf(daemon.pid).cpuSeconds];
    if (count === wanted) break;
    if (count > wanted) throw new Error(`${count} of ${wanted} records came out`);
    if (count !== last) [last, lastMs] = [count, performance.now()];
    if (performance.now() - lastMs > 30_000) throw new Error(`stands at ${count}\n${daemon.lines.slice(-20).join('\n')}`);
  }
  const share = (wanted - first) / wanted;
  const seconds = (performance.now() - began) / 1000 / share;
  const { cpuSeconds, peakMb } = figuresOf(daemon.pid);
  return { seconds, cpuSeconds: cpuBefore === 0 ? cpuSeconds : (cpuSeconds - cpuBefore) / share, peakMb };
}

async function counterOf(port: number, component: string, attribute: string): Promise<number> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } });
    const all = (await answer.json()) as Record<string, Record<string, string>>;
    return Number(all[component]?.[attribute] ?? 0);
  } catch {
    return 0;
  }
}

async function withAdmin<T>({ plain: brokers }: Kafka, act: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: [brokers] });
  try {
    return await act(admin);
  } finally {
    await admin.close();
  }
}

async function newTopic(kafka: Kafka): Promise<string> {
  const name = `bench-${randomUUID()}`;
  await withAdmin(kafka, (admin) => admin.createTopics({ topics: [name], partitions: PARTITIONS, replicas: 1 }));
  return name;
}

function dropTopic(kafka: Kafka, topic: string): Promise<void> {
  return withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [topic] }));
}

async function storedIn(kafka: Kafka, topic: string): Promise<number> {
  const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1n }));
  const [answer] = await withAdmin(kafka, (admin) => admin.listOffsets({ topics: [{ name: topic, partitions }] }));
  return Number(answer?.partitions.reduce((sum, { offset }) => sum + offset, 0n));
}
