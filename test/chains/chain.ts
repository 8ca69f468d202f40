/** Agents in a row, each a process with a durable channel and a folder of its own: the referee feeds the first and reads the last. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startAgent, until, type RunningAgent } from '../harness/agent.ts';
import { Referee, type RefereeOptions, type Sender } from '../faults/referee/referee.ts';
import { RolledFiles } from '../faults/referee/rolled-files.ts';
import { TcpLines } from '../faults/referee/tcp-sender.ts';

/** Most events of one transaction, and so most duplicates of one fault where there can be any. */
export const BATCH = 100;

/** Where an agent runs: its launcher is run under this. */
export type Host = readonly string[];

export interface AgentParts {
  readonly source: string;
  readonly sink: string;
  /** Further settings of the channel `c1`. */
  readonly channel?: string;
}

/** One agent, which finds its data again each time that it is started. */
export class ChainAgent {
  readonly name: string;
  readonly folder: string;
  readonly #host: Host;
  parts: AgentParts;
  /** Another program than that of this repository, from the next start on. */
  program: string | undefined;
  running: RunningAgent | undefined;

  constructor(name: string, folder: string, parts: AgentParts, host: Host) {
    this.name = name;
    this.folder = folder;
    this.parts = parts;
    this.#host = host;
  }

  async start(): Promise<this> {
    this.running = await startAgent({
      conf: `a1.sources = r1\na1.channels = c1\n${this.parts.sink === '' ? '' : 'a1.sinks = k1\n'}${this.parts.source}${CHANNEL}${this.parts.channel ?? ''}${this.parts.sink}`,
      folder: this.folder,
      monitoring: false,
      under: this.#host,
      ...(this.program !== undefined && { command: this.program }),
    });
    return this;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.running?.kill();
  }

  async restart(): Promise<void> {
    await this.running?.stop();
    await this.start();
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.pid, signal);
  }

  get pid(): number {
    if (!this.running) throw new Error(`${this.name} was not started`);
    return this.running.pid;
  }

  get lines(): readonly string[] {
    return this.running?.lines ?? [];
  }
}

export class Chain {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-chain-'));
  readonly referee: Referee;
  readonly agents: ChainAgent[] = [];
  readonly #senders: Sender[] = [];
  readonly #atEnd: (() => void)[] = [];

  constructor(t: TestContext, options: RefereeOptions = {}) {
    const seed = process.env['MILLRACE_SEED'];
    this.referee = new Referee({ ...options, ...(seed !== undefined && { seed: Number(seed) }) });
    t.diagnostic(`seed ${this.referee.seed}`);
    t.after(async () => {
      await this.referee.close();
      for (const { running } of this.agents) await running?.kill();
      for (const action of this.#atEnd) action();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** Done when the agents have ended, before their folder goes. */
  atEnd(action: () => void): void {
    this.#atEnd.push(action);
  }

  /** Added, not started. */
  add(name: string, parts: AgentParts, host: Host = []): ChainAgent {
    const folder = join(this.folder, name);
    mkdirSync(join(folder, 'out'), { recursive: true });
    const agent = new ChainAgent(name, folder, parts, host);
    this.agents.push(agent);
    return agent;
  }

  async start(): Promise<void> {
    // The last one first, so that nobody calls in vain.
    for (const agent of this.agents.toReversed()) await agent.start();
  }

  /** The files that these agents roll are what comes out. */
  collect(...last: readonly ChainAgent[]): void {
    this.referee.collect(new RolledFiles(...last.map(({ folder }) => join(folder, 'out'))));
  }

  send(first: ChainAgent, senders: number, perSecond: number): void {
    const port = (): Promise<number> => first.running?.port('r1') ?? Promise.reject(new Error('there is no agent'));
    for (let index = 0; index < senders; index++) this.#senders.push(this.referee.send(new TcpLines({ port, window: 1000 }), { perSecond }));
  }

  get acknowledged(): number {
    return this.#senders.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  /** Waits until so many more events were acknowledged. */
  async acknowledges(more: number, timeoutMs = 30_000): Promise<void> {
    const wanted = this.acknowledged + more;
    await this.until(`${wanted} acknowledged`, () => this.acknowledged >= wanted, timeoutMs);
  }

  /** Waits until so many more events have come out. */
  async delivers(more: number, timeoutMs = 30_000): Promise<void> {
    const wanted = (await this.referee.look()).distinct + more;
    await this.until(`${wanted} delivered`, async () => (await this.referee.look()).distinct >= wanted, timeoutMs);
  }

  async until(what: string, probe: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
    const state = (): string => [what, `acknowledged ${this.acknowledged}`, ...this.agents.flatMap(({ name, lines }) => [`${name}:`, ...lines.slice(-8)])].join('\n');
    await until(state, probe as () => Promise<boolean>, timeoutMs);
  }
}

export function netcatSource(port = 0): string {
  return settings('sources.r1', { type: 'netcat', bind: '127.0.0.1', port, 'max-line-length': 8_000_000, channels: 'c1' });
}

export function avroSource(port: number, more: Settings = {}): string {
  return settings('sources.r1', { type: 'avro', bind: '0.0.0.0', port, channels: 'c1', ...more });
}

/** Calls that are not answered within a second count as lost, the least that Flume's options allow. */
export function avroSink(to: string | readonly string[], more: Settings = {}): string {
  const addresses = typeof to === 'string' ? [to] : to;
  const [host, port] = (addresses[0] ?? '').split(':') as [string, string];
  const several = addresses.length < 2 ? {} : { hosts: addresses.map((_, index) => `h${index}`).join(' '), ...Object.fromEntries(addresses.map((address, index) => [`hosts.h${index}`, address])) };
  return settings('sinks.k1', { type: 'avro', hostname: host, port, 'batch-size': BATCH, 'connect-timeout': 1000, 'request-timeout': 1000, channel: 'c1', ...several, ...more });
}

export function rollSink(): string {
  return settings('sinks.k1', { type: 'file_roll', 'sink.directory': '@FOLDER@/out', 'sink.rollInterval': 0, 'sink.batchSize': BATCH, channel: 'c1' });
}

export type Settings = Readonly<Record<string, string | number | boolean>>;

export function settings(component: string, values: Settings): string {
  return Object.entries(values).map(([key, value]) => `a1.${component}.${key} = ${value}\n`).join('');
}

const CHANNEL = settings('channels.c1', { type: 'file', checkpointDir: '@FOLDER@/store/checkpoint', dataDirs: '@FOLDER@/store/data', minimumRequiredSpace: 0 });
