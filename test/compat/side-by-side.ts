/**
 * The same configuration and the same input through real Flume 1.11 and through Millrace. A case is a small agent and a function that
 * drives it and says what was observed: bytes of files, replies on the wire, chosen counters, lines of the logger sink. Cases are
 * equal when their observations are.
 *
 * Starting a JVM is paid once per batch: the chains of all its cases stand side by side in one agent, their component names begin with
 * the case's own prefix (written `~` in a case), and all are driven at once. Should an agent refuse a batch, each case gets its own.
 *
 * What differs by nature and is evened out before comparing (`normalised`): times in milliseconds, file names made of them, UUIDs.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAgent } from '../harness/agent.ts';
import { freePort } from '../servers/daemon.ts';
import { startFlume } from '../servers/flume.ts';
import { makeFolders, portsPerCase, siteOver, type Site } from './site.ts';

/** Component to property to value. `r…` are sources, `c…` channels, `k…` sinks, `g…` sink groups. See `confOf` for what is added. */
export type Chain = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface CompatCase {
  /** Begins with the numbers of the reference cases that it covers. */
  readonly name: string;
  readonly chain: Chain;
  /** Drives the agent and returns what is to be equal, as plain JSON. */
  run(site: Site): Promise<Observation>;
  /** Needs an agent for itself: its log or its order of components would not be its own. */
  readonly alone?: boolean;
  /** Needs Flume's parts for Hadoop, Kafka or morphlines on the class path. */
  readonly complete?: boolean;
  /** What is observed depends on the machine: the recording does not count. */
  readonly machine?: boolean;
  /** Where Millrace differs on purpose: why, and what is observed instead, by name; the rest is equal. */
  readonly differs?: { readonly why: string; readonly millrace: Observation };
}

export type Observation = { readonly [name: string]: Json };
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** A command that an exec source still runs keeps real Flume from ending. */
const stopPatienceMs = 2000;

export type System = 'flume' | 'millrace';

/** One observation per case, in their order; a case that failed has its error instead. */
export type Outcome = Observation | Error;

/** Cases that share an agent, `size` at most; those that must be alone are by themselves. */
export function batches(cases: readonly CompatCase[], size = 24): CompatCase[][] {
  const together = cases.filter((one) => one.alone !== true);
  const result: CompatCase[][] = [];
  for (const group of [together.filter((one) => one.complete !== true), together.filter((one) => one.complete === true)]) {
    for (let at = 0; at < group.length; at += size) {
      result.push(group.slice(at, at + size));
    }
  }
  return [...result, ...cases.filter((one) => one.alone === true).map((one) => [one])];
}

/** Runs the cases of one batch in one agent of the system, or each in its own if that agent does not run. */
export async function observe(system: System, cases: readonly CompatCase[]): Promise<Outcome[]> {
  try {
    return await observeTogether(system, cases);
  } catch (error) {
    if (cases.length === 1) {
      return [error as Error];
    }
    const outcomes: Outcome[] = [];
    for (const one of cases) {
      outcomes.push(...(await observe(system, [one])));
    }
    return outcomes;
  }
}

async function observeTogether(system: System, cases: readonly CompatCase[]): Promise<Outcome[]> {
  const root = await mkdtemp(join(tmpdir(), `millrace-compat-${system}-`));
  const places = await Promise.all(
    cases.map(async (one, index) => ({
      one,
      prefix: cases.length === 1 ? '' : `t${index}_`,
      root: join(root, `t${index}`),
      ports: await Promise.all(Array.from({ length: portsPerCase }, freePort)),
    })),
  );
  await Promise.all(places.map((place) => makeFolders(place.root)));
  const conf = confOf(places.map((place) => ({ ...place, chain: place.one.chain })));
  const agent = await start(system, conf, root, cases.some((one) => one.complete === true));
  try {
    await agent.ready();
    return await Promise.all(
      places.map(({ one, ...place }) =>
        one.run(siteOver({ ...place, metrics: () => agent.metrics(), lines: () => agent.lines })).then(
          (observation) => normalised(observation, place.root) as Observation,
          (error: unknown) => new Error(`${one.name} through ${system}: ${String(error)}\nlog:\n${agent.lines.slice(-30).join('\n')}`, { cause: error }),
        ),
      ),
    );
  } finally {
    await agent.stop(stopPatienceMs);
    await rm(root, { recursive: true, force: true });
  }
}

interface Agent {
  readonly lines: readonly string[];
  ready(): Promise<void>;
  metrics(): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>>;
  stop(patienceMs?: number): Promise<unknown>;
}

async function start(system: System, conf: string, root: string, complete: boolean): Promise<Agent> {
  const env = { TZ: 'UTC', LC_ALL: 'C.UTF-8' };
  if (system === 'flume') {
    return startFlume({ conf, agent: 'a1', monitoringPort: await freePort(), complete, env, properties: { 'user.timezone': 'UTC' } });
  }
  const command = process.env['MILLRACE_COMMAND'];
  const agent = await startAgent({ conf, env, folder: join(root, 'agent'), ...(command === undefined ? {} : { command }) });
  // Some cases have a component that cannot start, so /ready would never be content.
  return { ...agent, ready: async () => void (await agent.line(/\bagent runs\b/)) };
}

/**
 * The text of a configuration with all chains in one agent `a1`. Added unless given: the lists; a memory channel; a source's `channels`
 * (all of its chain); a sink's `channel` (that of the same number, else `~c1`) and, without a type, all that makes it a file_roll sink
 * into `@OUT@` (`@OUT2@` for `k2`), showing headers, in one file. Values are as meant: escaping is done here.
 */
export function confOf(chains: readonly { chain: Chain; prefix: string; root: string; ports: readonly number[] }[]): string {
  const lines: string[] = [];
  for (const kind of Object.values(kinds)) {
    const names = chains.flatMap(({ chain, prefix }) => Object.keys(chain)
        .filter((name) => kindOf(name) === kind)
        .map((name) => prefix + name));
    if (names.length > 0) {
      lines.push(`a1.${kind} = ${names.join(' ')}`);
    }
  }
  for (const { chain, prefix, root, ports } of chains) {
    for (const [name, given] of Object.entries(chain)) {
      for (const [key, value] of Object.entries({ ...defaults(name, chain), ...given })) {
        const filled = value
          .replace(/@PORT(\d?)@/g, (_, number: string) => String(ports[Number(number || 1) - 1]))
          .replace(/@OUT(\d?)@/g, (_, number: string) => join(root, `out${number || 1}`))
          .replaceAll('@DIR@', join(root, 'in'));
        lines.push(`a1.${kindOf(name)}.~${name}.${escapeKey(key)} = ${escapeValue(filled)}`.replaceAll('~', prefix));
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

const kinds = { r: 'sources', c: 'channels', k: 'sinks', g: 'sinkgroups' } as const;

function kindOf(name: string): (typeof kinds)[keyof typeof kinds] {
  const kind = kinds[name.charAt(0) as keyof typeof kinds];
  if (kind === undefined) {
    throw new Error(`component ${name}: names of a chain begin with r, c, k or g`);
  }
  return kind;
}

function defaults(name: string, chain: Chain): Record<string, string> {
  const number = name.slice(1);
  const channels = Object.keys(chain).filter((other) => kindOf(other) === 'channels');
  const kind = kindOf(name);
  if (kind === 'sources') {
    return { channels: channels.map((channel) => `~${channel}`).join(' ') };
  }
  if (kind === 'channels') {
    return { type: 'memory' };
  }
  if (kind === 'sinkgroups') {
    return { sinks: Object.keys(chain).filter((other) => kindOf(other) === 'sinks').map((sink) => `~${sink}`).join(' ') };
  }
  const channel = channels.includes(`c${number}`) ? `~c${number}` : '~c1';
  const type = chain[name]?.['type'] ?? 'file_roll';
  const rolling = { 'sink.directory': `@OUT${number}@`, 'sink.rollInterval': '0', 'sink.serializer': 'HEADER_AND_TEXT' };
  return { channel, type, ...(type === 'file_roll' ? rolling : {}) };
}

function escapeKey(key: string): string {
  return key.replace(/[ =:\\]/g, '\\$&');
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replace(/[\n\t\r]|[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Evens out what no two runs have in common. */
export function normalised(value: Json, root: string): Json {
  if (typeof value === 'string') {
    return value
      .replaceAll(root, '<root>')
      .replace(/\b1[78]\d{11}\b/g, '<ms>')
      .replace(/\b20\d{12}(?=-\d)/g, '<second>')
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, '<uuid>');
  }
  if (Array.isArray(value)) {
    return value.map((item: Json) => normalised(item, root));
  }
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value as Readonly<Record<string, Json>>).map(([key, item]) => [key, normalised(item, root)])) : value;
}
