import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, startAgent, type RunningAgent } from '../harness/agent.ts';
import { startDaemon } from '../servers/daemon.ts';

/** Lines in a durable channel, below `folder`, from which each run of a sink drains a copy. */
export class Backlog {
  readonly #folder: string;
  readonly #lines: number;
  readonly #lineBytes: number;

  constructor(folder: string, lines: number, lineBytes: number) {
    this.#folder = folder;
    this.#lines = lines;
    this.#lineBytes = lineBytes;
  }

  async fill(): Promise<void> {
    const agent = await startAgent({ conf: conf([]), folder: join(this.#folder, 'full'), env: { MILLRACE_DEV: '' } });
    await agent.ready();
    const args = [await agent.port('r1'), this.#lines, 1, this.#lineBytes].map(String);
    await startDaemon({ command: 'node', args: [join(root, 'test/bench/sender.ts'), ...args] }).ended;
    await agent.counter('CHANNEL.c1', 'ChannelSize', (size) => size === this.#lines, 120_000);
    await agent.stop();
  }

  /** An agent with a fresh copy and one sink, ready. `@FOLDER@` in a setting becomes the folder of the copy. */
  async drain(settings: Readonly<Record<string, string>>): Promise<RunningAgent> {
    const folder = join(this.#folder, 'run');
    rmSync(folder, { recursive: true, force: true });
    cpSync(join(this.#folder, 'full'), folder, { recursive: true });
    diskAtRest();
    const sink = Object.entries({ channel: 'c1', ...settings }).map(([key, value]) => `a1.sinks.k1.${key} = ${value}`);
    const agent = await startAgent({ conf: conf(['a1.sinks = k1', ...sink]), folder, env: { MILLRACE_DEV: '' } });
    await agent.ready();
    return agent;
  }
}

/** What was written before does not compete with what is measured: the disk has all of it. */
export function diskAtRest(): void {
  execFileSync('sync');
}

function conf(sink: readonly string[]): string {
  return [
    'a1.sources = r1',
    'a1.channels = c1',
    'a1.sources.r1.type = netcat',
    'a1.sources.r1.bind = 127.0.0.1',
    'a1.sources.r1.port = 0',
    'a1.sources.r1.ack-every-event = false',
    'a1.sources.r1.channels = c1',
    'a1.channels.c1.type = file',
    'a1.channels.c1.capacity = 100000000',
    'a1.channels.c1.transactionCapacity = 10000',
    'a1.channels.c1.checkpointDir = @FOLDER@/checkpoint',
    'a1.channels.c1.dataDirs = @FOLDER@/data',
    ...sink,
  ].join('\n');
}
