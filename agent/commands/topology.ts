import { basename, dirname, extname, resolve } from 'node:path';
import { describeError } from '../../core/errors.ts';
import { readConfigFile, writePrivateFile } from '../../io/config-files.ts';
import type { CommandIo, TopologyArguments } from '../command-line/types.ts';
import type { ConfigText } from '../configuration/text.ts';
import { planConfiguration } from '../configuration/load-plan.ts';
import type { Problem } from '../plan/types.ts';
import { exitCodeFor, problem, renderProblems, sortProblems } from '../problems/problems.ts';
import { connect } from '../topology/connections.ts';
import { receiversOf, sendersOf, type HostedAgent } from '../topology/ends.ts';
import { findingsOf } from '../topology/findings.ts';
import { Hosts } from '../topology/hosts.ts';
import { placed } from '../topology/places.ts';
import { topologySvg } from '../topology/svg-picture.ts';
import { drawTopology } from '../topology/text-picture.ts';

/**
 * `topology FILE…`: how the agents of several hosts hang together, and what does not fit between them; what is wrong within one file is
 * `check`'s to say. Resolves with 0 (it fits), 1 (warnings only) or 78 (errors).
 */
export async function topology(args: TopologyArguments, io: CommandIo): Promise<number> {
  const problems: Problem[] = [];
  const agents: HostedAgent[] = [];
  const texts: ConfigText[] = [];
  const files = hostsAndFiles(args.files);
  for (const { host, file } of files) {
    try {
      const { effective, agents: plans, problems: own } = await planConfiguration({
        files: [{ name: file, bytes: (await readConfigFile(file)).bytes }],
        rules: 'millrace',
        env: io.env,
        systemProperties: io.systemProperties,
        pluginsPath: args.pluginsPath,
        elsewhere: true,
      });
      texts.push(...effective.texts);
      const first = own.find(({ severity }) => severity === 'error');
      if (first) {
        const sentence = `${file} has errors of its own, and what they concern is not looked at here; the first is ${first.code}: ${first.sentence}`;
        problems.push(problem('M088', { ...placed(first.place), sentence, hint: `millrace check ${file}`, ...(first.hideLine && { hideLine: true }) }));
      }
      agents.push(...plans.map((plan) => ({ host, file, plan, effective })));
    } catch (error) {
      problems.push(problem('M001', { sentence: `cannot read ${file}: ${describeError(error)}` }));
    }
  }
  const hosts = new Hosts(new Set(agents.map(({ host }) => host)), aliasesOf(args.aliases));
  const receivers = agents.flatMap(receiversOf);
  const connections = connect(agents.flatMap(sendersOf), receivers, hosts);
  problems.push(...findingsOf(connections, receivers, agents, hosts));
  const sorted = sortProblems(problems, files.map(({ file }) => file));
  io.out(drawTopology(agents, receivers, connections));
  io.out(`${sorted.length > 0 ? '\n' : ''}${renderProblems(sorted, texts, io.colour)}`);
  if (args.svg !== undefined) await writePrivateFile(args.svg, topologySvg(agents, connections));
  io.out(summary(agents.length, connections.filter(({ receiver }) => receiver).length, sorted));
  return exitCodeFor(sorted);
}

/** `web1=/etc/millrace/web.conf`, or a file, whose name is the host's; where several files are called the same, the folder's name is. */
function hostsAndFiles(words: readonly string[]): readonly { readonly host: string; readonly file: string }[] {
  const stem = (file: string): string => basename(file, extname(file));
  const folder = (file: string): string => basename(dirname(resolve(file)));
  const unnamed = words.filter((word) => !NAMED.test(word));
  return words.map((word) => {
    const [, host, named] = NAMED.exec(word) ?? [];
    if (host !== undefined && named !== undefined) return { host, file: named };
    const alike = unnamed.filter((other) => stem(other) === stem(word));
    const areTold = alike.length > 1 && new Set(alike.map(folder)).size === alike.length;
    return { host: areTold ? folder(word) : stem(word), file: word };
  });
}

const NAMED = /^([^=/]+)=(.+)$/;

function aliasesOf(words: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const aliases = new Map<string, readonly string[]>();
  for (const word of words) {
    const [host = '', names = ''] = word.split('=');
    aliases.set(host, [...(aliases.get(host) ?? []), ...names.split(',').filter(Boolean)]);
  }
  return aliases;
}

function summary(agents: number, connections: number, problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
  const found = problems.length === 0 ? 'everything fits' : `${count(errors, 'error')}, ${count(problems.length - errors, 'warning')}`;
  return `\n${count(agents, 'agent')}, ${count(connections, 'connection')}: ${found}\n`;
}
