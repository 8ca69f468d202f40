/** The recipes of docs/kafka.md, run as they stand there but for addresses and folders, on what the sink wrote. */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { Batch } from '../../core/batch.ts';
import { kafkaSink } from '../../sinks/kafka/index.ts';
import { long } from '../faults/watch.ts';
import { root } from '../harness/agent.ts';
import { onPath, startDaemon } from '../servers/daemon.ts';
import { getKafkaTools, kafkaMissing, startKafka, type Kafka } from '../servers/kafka.ts';
import { fetchArtefacts } from '../servers/maven.ts';
import { make, recordingContext } from '../unit/recording-context.ts';
import { createTopic } from './kafka-rig.ts';

const EVENTS = 1000;
const never = new AbortController().signal;
const page = readFileSync(join(root, 'docs/kafka.md'), 'utf8');

describe('Kafka, as docs/kafka.md tells to read it', { skip: long ? kafkaMissing() : 'runs with npm run test:servers' }, () => {
  let kafka: Kafka;
  before(async () => {
    kafka = await startKafka();
  });
  after(() => kafka.stop());

  test('the console consumer prints each event with its key', async (t) => {
    const topic = await writtenTopic(t, kafka);
    const [program, ...words] = wordsOf(recipe('kafka-console-consumer.sh'));
    assert.equal(program, 'kafka-console-consumer.sh');
    const own = words.map((word) => (word === 'kafka1:9092' ? kafka.plain : word === 'logs' ? topic : word));
    const java = ['-Xmx128m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', `${await getKafkaTools()}/*`, 'org.apache.kafka.tools.consumer.ConsoleConsumer'];
    const lines = await linesOf(t, 'java', [...java, ...own, '--max-messages', String(EVENTS)]);
    assert.deepEqual(lines.filter((line) => /^k\d\t/.test(line)).sort(), expected(({ key, body }) => `${key}\t${body}`));
  });

  for (const inAvro of [false, true]) {
    test(`Spark adds each event once to its files${inAvro ? ', with the headers of those in Avro' : ''}`, { skip: sparkMissing() }, async (t) => {
      const topic = await writtenTopic(t, kafka, inAvro);
      const folder = mkdtempSync(join(tmpdir(), 'millrace-spark-'));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const program = recipe('from pyspark.sql import').replace('kafka1:9092', kafka.plain).replace('"subscribe", "logs"', `"subscribe", "${topic}"`).replaceAll('/tmp', folder);
      writeFileSync(join(folder, 'logs.py'), inAvro ? program.replace(/^ *\.selectExpr.*$/m, recipe('    .select("key"')) : program);
      const [command = '', option, packages = '', script = ''] = wordsOf(recipe('spark-submit'));
      assert.equal(option, '--packages');
      const jars = await fetchArtefacts({ name: 'spark-connectors', artefacts: packages.split(',') });
      const paths = readdirSync(jars).map((name) => join(jars, name)).join(',');
      // The second time there is nothing new.
      for (let run = 0; run < 2; run++) {
        await linesOf(t, command, ['--master', 'local[1]', '--driver-memory', '512m', '--conf', 'spark.ui.enabled=false', '--jars', paths, join(folder, script)]);
        const rows = readdirSync(join(folder, 'logs-json')).filter((name) => name.endsWith('.json')).flatMap((name) => readFileSync(join(folder, 'logs-json', name), 'utf8').trim().split('\n'));
        const read = rows.map((row) => JSON.parse(row) as { key: string; headers?: unknown; body: string });
        assert.deepEqual(read.map(({ key, headers, body }) => JSON.stringify({ key, headers, body })).sort(), expected(({ key, body }) => JSON.stringify({ key, headers: inAvro ? { key } : undefined, body })));
      }
    });
  }
});

function sparkMissing(): string | false {
  return onPath('spark-submit') ? false : 'put PySpark in the PATH: python3 -m venv spark && spark/bin/pip install pyspark==4.0.4 && PATH=$PWD/spark/bin:$PATH';
}

const key = (number: number): string => `k${number % 7}`;

function expected(lineOf: (event: { key: string; body: string }) => string): string[] {
  return Array.from({ length: EVENTS }, (_, number) => lineOf({ key: key(number), body: `line ${number}` })).sort();
}

/** A topic of four partitions, in which the sink has written each event once. */
async function writtenTopic(t: TestContext, kafka: Kafka, inAvro = false): Promise<string> {
  const topic = await createTopic(kafka, 4);
  const properties = { 'kafka.bootstrap.servers': kafka.plain, 'kafka.topic': topic, exactlyOnce: 'true', useFlumeEventFormat: String(inAvro), 'kafka.producer.compression.type': 'lz4' };
  const sink = await make(kafkaSink, properties, recordingContext('a1.sinks.k1'));
  await sink.start();
  t.after(() => sink.stop());
  for (let from = 0; from < EVENTS; from += 100) {
    const events = Array.from({ length: 100 }, (_, index) => ({ body: Buffer.from(`line ${from + index}`), headers: new Map([['key', key(from + index)]]) }));
    await sink.write(Batch.of(events), never, { store: `o${topic}`, spans: [[from, from + 100]], settled: from });
  }
  return topic;
}

/** The indented block of the page that begins so. */
function recipe(begin: string): string {
  const lines = page.split('\n');
  const first = lines.findIndex((line) => line.startsWith(`    ${begin}`));
  assert.ok(first >= 0, `docs/kafka.md has nothing that begins with ${begin}`);
  const behind = lines.findIndex((line, index) => index > first && /^\S/.test(line));
  return lines.slice(first, behind).map((line) => line.slice(4)).join('\n').trimEnd();
}

function wordsOf(command: string): string[] {
  return command.replaceAll('\\\n', ' ').trim().split(/\s+/);
}

async function linesOf(t: TestContext, command: string, args: readonly string[]): Promise<readonly string[]> {
  const daemon = startDaemon({ command, args });
  t.after(() => daemon.kill());
  assert.equal(await daemon.ended, 0, daemon.lines.slice(-30).join('\n'));
  return daemon.lines;
}
