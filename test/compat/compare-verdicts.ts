/**
 * `node test/compat/compare-verdicts.ts DIR…`: compares `check --as-flume` with what the oracle wrote into DIR/oracle.jsonl (see
 * generate-confs.ts), and prints every agent that differs. The exit status is 1 if any does.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../../agent/commands/check.ts';
import { oracleEnvironment } from './generate-confs.ts';
import type { OracleLine } from './oracle.ts';

export interface Difference {
  readonly file: string;
  readonly agent: string | null;
  readonly ours: Summary | undefined;
  readonly flumes: Summary | undefined;
}

export interface Summary {
  readonly verdict: string;
  readonly sources: readonly string[];
  readonly channels: readonly string[];
  readonly sinks: readonly string[];
  readonly sinkgroups: readonly string[];
  readonly dropped: readonly string[];
  readonly fatal: boolean;
  /** Not compared: why. */
  readonly reasons: readonly string[];
}

/**
 * Why a difference is meant to be, if it is: arrays larger than a JVM can have end Flume before it starts; `${java:version}` names
 * another version; a few character sets of Java are unknown to Node, and the component is refused.
 */
export function explained({ flumes, ours }: Difference, text: string): string | undefined {
  if (flumes?.reasons.some((reason) => reason.includes('OutOfMemoryError'))) return 'out of memory in the JVM';
  if (/\$\{java:/i.test(text)) return 'another version of Java';
  if (/IBM437/i.test(text) && ours?.reasons.some((reason) => /character set|interceptor/.test(reason))) return 'a character set that Node does not have';
  return undefined;
}

export async function compareFolder(folder: string): Promise<{ agents: number; differences: Difference[] }> {
  const expected = readFileSync(join(folder, 'oracle.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as OracleLine);
  const files = [...new Set(expected.map(({ file }) => file))];
  const differences: Difference[] = [];
  for (const file of files) {
    const ours = new Map((await verdicts(join(folder, file))).map((line) => [line.agent, summarize(line)]));
    for (const line of expected.filter((each) => each.file === file)) {
      const [own, flumes] = [ours.get(line.agent), summarize(line)];
      ours.delete(line.agent);
      if (comparable(own) !== comparable(flumes)) differences.push({ file, agent: line.agent, ours: own, flumes });
    }
    for (const [agent, own] of ours) differences.push({ file, agent, ours: own, flumes: undefined });
  }
  return { agents: expected.length, differences };
}

type Line = Omit<OracleLine, 'validated' | 'file' | 'dropped'> & { readonly dropped: readonly { readonly component: string; readonly reason: string }[] };

async function verdicts(file: string): Promise<Line[]> {
  const out: string[] = [];
  const env = new Map(Object.entries({ ...process.env, ...oracleEnvironment }).map(([name, value]) => [name, value ?? '']));
  const io = { out: (text: string) => out.push(text), err: (text: string) => out.push(text), colour: false, env, systemProperties: new Map<string, string>() };
  await check({ files: [file], pluginsPath: [], strict: false, asFlume: true, json: true }, io);
  return out.map((line) => JSON.parse(line) as Line);
}

function summarize({ verdict, sources, channels, sinks, sinkgroups, dropped, fatal }: Line): Summary {
  const all = [...new Set(dropped.map(({ component }) => component))].sort();
  // Of an invalid agent the oracle names whatever some line of the log mentions; and a double space in a list as a group without a name.
  const invalid = all.filter((component) => component.startsWith('agent '));
  const names = invalid.length > 0 ? invalid : all.filter((component) => component !== 'sinkgroup ');
  const reasons = [...dropped.map(({ component, reason }) => `${component}: ${reason}`), ...(fatal === null ? [] : [`fatal: ${fatal}`])];
  return { verdict, sources, channels, sinks, sinkgroups, dropped: names, fatal: fatal !== null, reasons };
}

function comparable(summary: Summary | undefined): string {
  return JSON.stringify(summary && { ...summary, reasons: undefined });
}

if (import.meta.main) {
  let differ = 0;
  for (const folder of process.argv.slice(2)) {
    const { agents, differences } = await compareFolder(folder);
    differ += differences.length;
    for (const difference of differences) {
      const { file, agent, ours, flumes } = difference;
      const reason = explained(difference, readFileSync(join(folder, file), 'latin1'));
      if (reason !== undefined) differ--;
      process.stdout.write(reason === undefined ? '' : `(${reason}) `);
      process.stdout.write(`${join(folder, file)} ${agent}\n  ours   ${JSON.stringify(ours)}\n  Flume  ${JSON.stringify(flumes)}\n`);
    }
    process.stdout.write(`${folder}: ${agents} agents, ${differences.length} differ\n`);
  }
  process.exitCode = differ > 0 ? 1 : 0;
}
