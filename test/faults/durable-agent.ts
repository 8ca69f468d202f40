/** The running agent with a durable channel between netcat and file_roll, killed and started again while the referee sends. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startAgent, until, type RunningAgent } from '../harness/agent.ts';
import { Referee, type RefereeOptions, type Sender } from './referee/referee.ts';
import { RolledFiles } from './referee/rolled-files.ts';
import { TcpLines } from './referee/tcp-sender.ts';

/** Most events of one transaction of the sink, and so most duplicates of one fault. */
export const SINK_BATCH = 100;

/** A launcher of an installed Millrace to play with, in place of the sources. */
const COMMAND = process.env['MILLRACE_COMMAND'];

const CONF = `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = 0
a1.sources.r1.max-line-length = 8000000
a1.sources.r1.channels = c1
a1.channels.c1.type = file
a1.channels.c1.checkpointDir = @FOLDER@/store/checkpoint
a1.channels.c1.dataDirs = @FOLDER@/store/data
`;

const ANY_SPACE = 'a1.channels.c1.minimumRequiredSpace = 0\n';

const FILE_ROLL = `
a1.sinks.k1.type = file_roll
a1.sinks.k1.sink.directory = @FOLDER@/out
a1.sinks.k1.sink.rollInterval = 0
a1.sinks.k1.sink.batchSize = ${SINK_BATCH}
a1.sinks.k1.channel = c1
`;

export interface RigOptions extends RefereeOptions {
  /** Settings of the sink `k1`, which writes into `@FOLDER@/out`; file_roll unless given. */
  readonly sink?: string;
  /** Further settings of the channel `c1`, in place of one that takes the last byte of the disk. */
  readonly channel?: string;
}

/** An agent in a folder of its own, which the senders of a referee find again each time that it was started. */
export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-rig-'));
  /** Where the channel has all of its files. */
  readonly store = join(this.folder, 'store');
  readonly out = join(this.folder, 'out');
  readonly referee: Referee;
  readonly #conf: string;
  readonly #senders: Sender[] = [];
  agent: RunningAgent | undefined;
  /** What has to be undone once the agent is dead, before the folder is removed. */
  readonly atEnd: (() => void)[] = [];

  constructor(t: TestContext, { sink = FILE_ROLL, channel = ANY_SPACE, ...options }: RigOptions = {}) {
    this.#conf = CONF + channel + sink;
    mkdirSync(this.store);
    mkdirSync(this.out);
    this.referee = new Referee(options);
    this.referee.collect(new RolledFiles(this.out));
    t.after(async () => {
      await this.referee.close();
      await this.agent?.kill();
      for (const undo of this.atEnd) undo();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  async start(env: Readonly<Record<string, string>> = {}, monitoring = false): Promise<RunningAgent> {
    this.agent = await startAgent({ conf: this.#conf, folder: this.folder, monitoring, env, ...(COMMAND !== undefined && { command: COMMAND }) });
    return this.agent;
  }

  /** Kills the agent and waits until it is dead. */
  async kill(): Promise<void> {
    await this.agent?.kill();
  }

  send(senders: number, perSecond: number): Sender[] {
    const port = (): Promise<number> => this.agent?.port('r1') ?? Promise.reject(new Error('there is no agent'));
    const added = Array.from({ length: senders }, () => this.referee.send(new TcpLines({ port, window: 1000 }), { perSecond }));
    this.#senders.push(...added);
    return added;
  }

  /** Waits for something that the senders and the agent bring about; says how they stand where it never comes. */
  async until(what: string, probe: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
    const state = (): string => {
      const senders = this.#senders.map(({ ledger, connections, refusals }) => `sent ${ledger.next}, acknowledged ${ledger.acknowledged}, ${connections} connections, refusals ${refusals.slice(0, 3).join('; ')}`);
      return [what, ...senders, ...(this.agent?.lines.slice(-30) ?? [])].join('\n');
    };
    await until(state, probe as () => Promise<boolean>, timeoutMs);
  }

  /** Events that the agent, which runs with monitoring, says it has lost. */
  async reported(): Promise<number> {
    return Number((await this.agent?.metrics())?.['CHANNEL.c1']?.['EventLostCount'] ?? 0);
  }

  get acknowledged(): number {
    return this.referee.account.ledgers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }
}

/** Lines of the log that say what a store has lost. */
export function lossesIn(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => / ERROR /.test(line));
}
