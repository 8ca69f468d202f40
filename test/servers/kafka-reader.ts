/** Kafka's own consumer as a witness (java/TopicReader.java): what topics hold for those who read what is committed, from the beginning on. */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { smallJvm } from './flume.ts';
import { getKafka } from './kafka.ts';

const PROGRAM = fileURLToPath(new URL('java/TopicReader.java', import.meta.url));
const FRAME_BYTES = 20;

export interface TopicRecord {
  readonly partition: number;
  readonly offset: bigint;
  readonly value: Buffer | null;
}

export interface TopicReader {
  /** Why it ended, once it has. */
  failure(): string | undefined;
  stop(): void;
}

/** One process for all topics of the same brokers; it ends with this one. */
class Witness {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #errors: string[] = [];
  readonly #takers: (((record: TopicRecord) => void) | undefined)[] = [];
  #rest: Buffer = Buffer.alloc(0);

  constructor(jars: string, brokers: string) {
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';
    const child = spawn('java', [...smallJvm, quiet, '-cp', `${jars}/*`, PROGRAM, brokers]);
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => this.#errors.push(chunk.toString()));
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    // Whoever waits for records keeps this process alive.
    child.unref();
    for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as Socket).unref();
  }

  get failure(): string | undefined {
    return this.#child.exitCode === null ? undefined : this.#errors.join('');
  }

  read(topic: string, take: (record: TopicRecord) => void): TopicReader {
    const place = this.#takers.push(take) - 1;
    this.#child.stdin.write(`${topic}\n`);
    return {
      failure: () => this.failure,
      stop: () => {
        if (this.#takers[place] === undefined) return;
        this.#takers[place] = undefined;
        this.#child.stdin.write(`-${topic}\n`);
      },
    };
  }

  #take(chunk: Buffer): void {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (rest.length >= FRAME_BYTES) {
      const length = rest.readInt32BE(16);
      const end = FRAME_BYTES + Math.max(0, length);
      if (rest.length < end) break;
      this.#takers[rest.readInt32BE(0)]?.({ partition: rest.readInt32BE(4), offset: rest.readBigInt64BE(8), value: length < 0 ? null : Buffer.from(rest.subarray(FRAME_BYTES, end)) });
      rest = rest.subarray(end);
    }
    this.#rest = rest;
  }
}

const witnesses = new Map<string, Witness>();

/** Hands over record by record, each partition in its order, until it is stopped. One reader for a topic at a time. */
export async function readTopicWithKafka(brokers: string, topic: string, take: (record: TopicRecord) => void): Promise<TopicReader> {
  const jars = await getKafka();
  let witness = witnesses.get(brokers);
  if (!witness || witness.failure !== undefined) witnesses.set(brokers, (witness = new Witness(jars, brokers)));
  return witness.read(topic, take);
}
