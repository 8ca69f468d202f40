import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startFlume, type Flume } from '../servers/flume.ts';
import { settings, type AgentParts, type Host } from './chain.ts';

/** An agent of a chain, whosever it is. */
export interface Hop {
  start(): Promise<unknown>;
  kill(): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
}

/** Flume 1.11 with its file channel in this folder. */
export function flumeHop(t: TestContext, folder: string, { source, sink }: AgentParts, host: Host = []): Hop {
  mkdirSync(join(folder, 'out'), { recursive: true });
  const channel = settings('channels.c1', { type: 'file', checkpointDir: '@FOLDER@/checkpoint', dataDirs: '@FOLDER@/data', minimumRequiredSpace: 1_000_000, 'use-fast-replay': true });
  const conf = `a1.sources = r1\na1.channels = c1\na1.sinks = k1\n${source}${channel}${sink}`.replaceAll('@FOLDER@', folder);
  let flume: Flume | undefined;
  const end = async (): Promise<void> => {
    await flume?.kill();
    await flume?.stop();
  };
  t.after(end);
  return {
    async start() {
      flume = await startFlume({ agent: 'a1', conf, under: host });
      await flume.ready();
    },
    kill: end,
    signal: (signal) => void process.kill(flume?.pid ?? Number.NaN, signal),
  };
}
