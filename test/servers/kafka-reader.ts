/** Kafka's own consumer as a witness (java/TopicReader.java): what a topic holds for those who read it, from its beginning on. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { smallJvm } from './flume.ts';
import { getKafka } from './kafka.ts';

const PROGRAM = fileURLToPath(new URL('java/TopicReader.java', import.meta.url));
const FRAME_BYTES = 16;

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

export type Isolation = 'read_committed' | 'read_uncommitted';

/** Hands over record by record, each partition in its order, until it is stopped, or this process ends. */
export async function readTopicWithKafka(brokers: string, topic: string, take: (record: TopicRecord) => void, isolation: Isolation = 'read_committed'): Promise<TopicReader> {
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';
  const child = spawn('java', [...smallJvm, quiet, '-cp', `${await getKafka()}/*`, PROGRAM, brokers, topic, isolation]);
  const errors: string[] = [];
  let rest: Buffer = Buffer.alloc(0);
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= FRAME_BYTES) {
      const length = rest.readInt32BE(12);
      const end = FRAME_BYTES + Math.max(0, length);
      if (rest.length < end) break;
      take({ partition: rest.readInt32BE(0), offset: rest.readBigInt64BE(4), value: length < 0 ? null : Buffer.from(rest.subarray(FRAME_BYTES, end)) });
      rest = rest.subarray(end);
    }
  });
  return {
    failure: () => (child.exitCode === null ? undefined : errors.join('')),
    stop: () => child.stdin.destroy(),
  };
}
