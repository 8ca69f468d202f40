/** The running agent with a TAILDIR source, a durable channel and file_roll, killed and started again as often as a test likes. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAgent, until, type AgentOptions, type RunningAgent } from '../harness/agent.ts';

export interface TailAgentOptions {
  /** Further properties of the source, or others in place of those that it has. */
  readonly source?: Readonly<Record<string, string>>;
  /** A memory channel in place of the durable one. */
  readonly memory?: boolean;
  readonly start?: Partial<AgentOptions>;
}

const CHANNELS = {
  durable: `
a1.channels.c1.type = file
a1.channels.c1.checkpointDir = @FOLDER@/store/checkpoint
a1.channels.c1.dataDirs = @FOLDER@/store/data
a1.channels.c1.minimumRequiredSpace = 0
`,
  memory: `
a1.channels.c1.type = memory
a1.channels.c1.capacity = 10000
a1.channels.c1.transactionCapacity = 1000
`,
};

export class TailAgent {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-tail-'));
  readonly logs = join(this.folder, 'logs');
  readonly out = join(this.folder, 'out');
  readonly positionFile = join(this.folder, 'positions', 'p.json');
  readonly #options: TailAgentOptions;
  agent: RunningAgent | undefined;

  constructor(t: TestContext, options: TailAgentOptions = {}) {
    this.#options = options;
    mkdirSync(this.logs);
    mkdirSync(this.out);
    t.after(async () => {
      await this.agent?.kill();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  get conf(): string {
    const source = {
      type: 'TAILDIR',
      channels: 'c1',
      filegroups: 'f1',
      'filegroups.f1': `${this.logs}/app.*`,
      positionFile: this.positionFile,
      batchSize: '100',
      writePosInterval: '1000',
      ...this.#options.source,
    };
    const lines = Object.entries(source).map(([key, value]) => `a1.sources.r1.${key} = ${value.replaceAll('@LOGS@', this.logs).replaceAll('\\', '\\\\')}`);
    const rest = `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sinks.k1.type = file_roll
a1.sinks.k1.sink.directory = @FOLDER@/out
a1.sinks.k1.sink.rollInterval = 0
a1.sinks.k1.channel = c1
${this.#options.memory === true ? CHANNELS.memory : CHANNELS.durable}`;
    return `${lines.join('\n')}\n${rest}`;
  }

  path(name: string): string {
    return join(this.logs, name);
  }

  /** `further` for this run only. */
  async start(further: Partial<AgentOptions> = {}): Promise<RunningAgent> {
    this.agent = await startAgent({ conf: this.conf, folder: this.folder, ...this.#options.start, ...further });
    await this.agent.ready();
    return this.agent;
  }

  async stop(): Promise<void> {
    await this.agent?.stop();
  }

  async kill(): Promise<void> {
    await this.agent?.kill();
  }

  /** All that the sink has written, in the order of its files. Bytes as ISO-8859-1. */
  async lines(): Promise<string[]> {
    const names = readdirSync(this.out).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    return names.flatMap((name) => {
      const text = readFileSync(join(this.out, name), 'latin1');
      return text === '' ? [] : (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
    });
  }

  /** Waits until there are as many lines, and a moment longer for those that should not be there. */
  async events(count: number, timeoutMs = 20_000): Promise<string[]> {
    let lines: string[] = [];
    await until(`${count} lines`, async () => {
      lines = await this.lines();
      return lines.length >= count ? true : undefined;
    }, timeoutMs).catch((error: unknown) => {
      throw new Error(`${count} lines expected, there are ${lines.length}: ${JSON.stringify(lines.slice(-8)).slice(0, 500)}\n${this.agent?.lines.slice(-15).join('\n')}`, { cause: error });
    });
    await sleep(600);
    return this.lines();
  }
}

const FILLER = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(8);

/** Text of a number: between 2 and some 210 characters, so that lines begin and end anywhere in a buffer. */
export function lineOf(number: number): string {
  return `${number}:${FILLER.slice(0, (number * 7919) % 199)}`;
}
