import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { storeFiles } from '../../io/store-files.ts';
import { AgentProcess } from './agent-process.ts';
import { LineSender } from './line-sender.ts';
import { settle, type Account } from './numbered-lines.ts';

/** Of the kills but the first, so many come at any moment of the start; the others while lines are answered. */
const IN_THE_START = 0.25;
const LONGEST_START_MS = 500;
const LONGEST_WORK_MS = 900;
/** An agent that answers nothing for so long does not work. */
const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 250;
const QUIET_MS = 6000;
const STOP_MS = 5000;
const CLOSE_MS = 1000;

export interface DemoSettings {
  /** The launcher of this installation. */
  readonly command: string;
  readonly kills: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** The last agent is given up when nothing has come out of it for so long, and something is missing; 6 s unless given. */
  readonly quietMs?: number;
  killed(kill: Kill): void;
  /** The last agent has to deliver what is left. */
  draining(): void;
}

export interface Kill {
  /** From 1. */
  readonly number: number;
  readonly afterMs: number;
  readonly inTheStart: boolean;
  /** Lines answered with OK, in all. */
  readonly acknowledged: number;
}

/** Throws where the agent does not work at all, or `signal` aborts; the folder is the caller's to remove. */
export async function runKilledAgent(folder: string, settings: DemoSettings): Promise<Account> {
  const configuration = join(folder, 'demo.properties');
  const out = join(folder, 'out');
  await storeFiles.makeDirectory(out);
  await storeFiles.replace(configuration, Buffer.from(configurationText(folder)));
  const start = (): Promise<AgentProcess> => AgentProcess.start(settings.command, configuration, join(folder, 'dead-letters'));
  const sender = new LineSender();
  const random = generator(settings.seed);
  for (let number = 1; number <= settings.kills; number++) {
    const inTheStart = random() < IN_THE_START && number > 1;
    const delayMs = Math.round(random() * (inTheStart ? LONGEST_START_MS : LONGEST_WORK_MS));
    const began = performance.now();
    await oneKill(await start(), sender, { inTheStart, delayMs, signal: settings.signal });
    settings.killed({ number, afterMs: performance.now() - began, inTheStart, acknowledged: sender.acknowledgedCount });
  }
  settings.draining();
  const last = await start();
  try {
    await last.port;
    return await settled(out, sender, settings.quietMs ?? QUIET_MS, settings.signal);
  } finally {
    await last.stop(STOP_MS);
  }
}

export function newFolder(): string {
  return join(tmpdir(), `millrace-demo-${randomBytes(6).toString('hex')}`);
}

/** Lets an agent work until the moment has come, and kills it with the connection open and lines on their way. */
async function oneKill(agent: AgentProcess, sender: LineSender, when: { readonly inTheStart: boolean; readonly delayMs: number; readonly signal: AbortSignal }): Promise<void> {
  const over = new AbortController();
  const answer = Promise.withResolvers<void>();
  const fed = agent.port.then((port) => sender.feed(port, over.signal, answer.resolve)).catch(() => undefined);
  let killed: boolean;
  try {
    if (!when.inTheStart) await firstAnswer(agent, answer.promise, when.signal);
    await sleep(when.delayMs, undefined, { signal: when.signal });
  } finally {
    killed = await agent.kill();
    // Answers that the system still holds count: they were given.
    await Promise.race([fed, sleep(CLOSE_MS, undefined, { ref: false })]);
    over.abort();
    await fed;
  }
  if (!killed) throw new Error(`the agent ended by itself:\n${agent.log}`);
}

async function firstAnswer(agent: AgentProcess, answer: Promise<void>, signal: AbortSignal): Promise<void> {
  const late = sleep(PATIENCE_MS, 'late' as const, { signal, ref: false });
  if ((await Promise.race([answer, late, agent.exited])) === 'late') throw new Error(`the agent answered nothing for ${PATIENCE_MS / 1000} s:\n${agent.log}`);
}

/** The account once every acknowledged line is in a file, or once nothing has come for a while. */
async function settled(out: string, sender: LineSender, quietMs: number, signal: AbortSignal): Promise<Account> {
  let bytes = -1;
  let changedMs = performance.now();
  for (;;) {
    await sleep(LOOK_EVERY_MS, undefined, { signal });
    const files = await contents(out);
    const total = files.reduce((sum, { length }) => sum + length, 0);
    if (total !== bytes) {
      bytes = total;
      changedMs = performance.now();
      continue;
    }
    const account = settle(sender.sent, sender.acknowledged, files);
    if (account.lost === 0 || performance.now() - changedMs > quietMs) return account;
  }
}

async function contents(directory: string): Promise<Buffer[]> {
  const names = await storeFiles.list(directory);
  return Promise.all(names.sort().map(async (name) => (await storeFiles.read(join(directory, name))) ?? Buffer.alloc(0)));
}

function configurationText(folder: string): string {
  return `# Written by millrace demo.
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = 0
a1.sources.r1.channels = c1
a1.channels.c1.type = file
a1.channels.c1.dataDirs = ${folder}/data
a1.channels.c1.checkpointDir = ${folder}/checkpoint
a1.channels.c1.minimumRequiredSpace = 0
a1.sinks.k1.type = file_roll
a1.sinks.k1.channel = c1
a1.sinks.k1.sink.directory = ${folder}/out
a1.sinks.k1.sink.rollInterval = 0
a1.sinks.k1.sink.batchSize = 1000
`;
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
