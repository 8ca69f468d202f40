/**
 * Each option table against real Flume 1.11: for odd and missing values of each option, whether Flume keeps the component or drops it has
 * to be what the table says (a fault whose effect is `drop`, or a file that cannot be read). A part (interceptor, selector, processor)
 * is judged by what becomes of the component that it belongs to.
 */

import assert from 'node:assert/strict';
import { accessSync, constants, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { channels } from '../../channels/index.ts';
import { selectors } from '../../channels/selectors/index.ts';
import type { AnyDefinition, Definition } from '../../core/define.ts';
import { readOptions } from '../../core/read-options.ts';
import { interceptors } from '../../interceptors/index.ts';
import { sinkProcessors } from '../../sinks/groups/index.ts';
import { sinks } from '../../sinks/index.ts';
import { sources } from '../../sources/index.ts';
import { flumeAvailable } from '../servers/flume.ts';
import { agentWith, flumeType, type PlacedKind } from './option-agents.ts';
import { base, together, values, type Properties } from './option-probes.ts';
import { startOracle, type Oracle, type OracleLine } from './oracle.ts';

/** Types that this rig cannot have loaded, with the reason. */
const notTried: Readonly<Record<string, string>> = {
  'sink hbase2': 'the rig has the HBase 1 client on its class path, with which Flume refuses this sink',
  'interceptor org.apache.flume.sink.solr.morphline.MorphlineInterceptor$Builder': 'needs a file of morphlines that compiles',
};

/** Differences that stay, with the reason: kind, type and option. */
const different: Readonly<Record<string, string>> = {
  'source jms providerURL': "read with any broker's scheme, as Flume does with -DJndiAllowedProtocols",
  'source jms connectionFactory': 'the same',
};

/** The first of them decides for the process, so that each probe needs a process of its own. */
const oncePerProcess = ['channel jdbc'];

/** What happens to a JMS source with good options where there is no broker. */
const unavoidable = /Could not create initial context|Could not lookup ConnectionFactory/;

const AGENTS_PER_FILE = 40;

const registries = [sources, channels, sinks, interceptors, selectors, sinkProcessors] as const;
for (const registry of registries) await registry.read();

void describe('option tables against Flume', { skip: flumeAvailable() }, () => {
  let oracle: Oracle;
  let folder: string;
  before(async () => {
    oracle = await startOracle();
    folder = await mkdtemp(join(tmpdir(), 'millrace-tables-'));
  });
  after(async () => {
    await oracle.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** What Flume makes of each agent, in the order of the texts. */
  async function answers(asked: Oracle, agents: readonly string[]): Promise<readonly OracleLine[]> {
    const file = join(folder, 'probe.conf');
    const escaped = (text: string): string =>
      text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    await writeFile(file, agents.map((text, index) => escaped(text.replaceAll(/^/gm, `p${index}.`))).join('\n'));
    const lines = new Map((await asked.ask(file)).map((line) => [line.agent, line]));
    return agents.map((text, index) => lines.get(`p${index}`) ?? assert.fail(`no answer about\n${text}`));
  }

  for (const { kind, all } of registries) {
    for (const definition of all) {
      const name = `${kind} ${definition.types[0]}`;
      if (definition.flume?.notLoadable === '') continue;
      void test(name, { skip: notTried[name] ?? false }, async () => {
        const alone = oncePerProcess.includes(name);
        const probes = alone ? [base[name] ?? {}, ...(together[name] ?? [])] : probesOf(name, definition);
        const step = alone ? 1 : AGENTS_PER_FILE;
        const faults: string[] = [];
        for (let at = 0; at < probes.length; at += step) {
          const some = probes.slice(at, at + step);
          const asked = alone ? await startOracle() : oracle;
          const lines = await answers(asked, some.map((properties) => agentWith(kind, flumeType(definition), properties)));
          if (alone) await asked.close();
          for (const [index, line] of lines.entries()) {
            const fault = compare(kind, definition, some[index] ?? {}, line);
            if (fault && different[`${name} ${fault.option}`] === undefined) faults.push(fault.text);
          }
        }
        assert.deepEqual(faults, [], `${faults.length} of ${probes.length} differ`);
      });
    }
  }

  void test('batch sizes are compared with the capacity of transactions for the types whose tables say so', async () => {
    const faults: string[] = [];
    for (const { kind, all } of [sources, sinks] as const) {
      for (const definition of all) {
        const name = `${kind} ${definition.types[0]}`;
        const { batchSizeOption, flume } = definition;
        if (flume?.notLoadable !== undefined || flume?.alwaysDropped !== undefined || notTried[name]) continue;
        const good = base[name] ?? {};
        const sized = (size: string): Properties => (batchSizeOption === undefined ? good : { ...good, [batchSizeOption]: size });
        const agents = [sized('5'), sized('6')].map((properties) => agentWith(kind, flumeType(definition), properties, 5));
        const [equal, above] = (await answers(oracle, agents)).map((line) => line.dropped.map(({ reason }) => reason).join(' '));
        if (/greater than/.test(equal ?? '')) faults.push(`${name}: takes part, and the table does not say so (${equal})`);
        if (batchSizeOption !== undefined && !/greater than|initial context/.test(above ?? '')) {
          faults.push(`${name}: ${batchSizeOption} is not compared (${above})`);
        }
      }
    }
    assert.deepEqual(faults, []);
  });
});

function probesOf(name: string, definition: AnyDefinition): readonly Properties[] {
  const good = base[name] ?? {};
  const probes: Properties[] = [good];
  for (const [key, option] of Object.entries(definition.options)) {
    for (const value of values[option.shape] ?? []) {
      const { [key]: _, ...without } = good;
      probes.push(value === undefined ? without : { ...good, [key]: value });
    }
  }
  for (const properties of together[name] ?? []) {
    probes.push(Object.fromEntries(Object.entries({ ...good, ...properties }).filter(([, value]) => value !== '')));
  }
  return [...new Map(probes.map((probe) => [JSON.stringify(probe), probe])).values()];
}

interface Fault {
  readonly option: string;
  readonly text: string;
}

function compare(kind: PlacedKind, definition: Definition, properties: Properties, line: OracleLine): Fault | undefined {
  const owner = { source: 'source', channel: 'channel', sink: 'sink', interceptor: 'source', selector: 'source', 'sink processor': 'sinkgroup' }[kind];
  const there = line[`${owner}s` as 'sources' | 'channels' | 'sinks' | 'sinkgroups'].length > 0;
  const reason = line.fatal ?? line.dropped.find((dropped) => dropped.component.startsWith(`${owner} `))?.reason ?? '';
  if (definition.flume?.notLoadable) {
    return line.verdict === 'refuses' ? undefined : { option: '', text: `loaded, although it should not be: ${reason}` };
  }
  if (reason.startsWith('OutOfMemoryError')) return undefined;
  const kept = there || unavoidable.test(reason);
  const { drop, warned, refused } = saidOf(definition, properties);
  const expected = drop ?? (unavoidable.test(reason) ? undefined : definition.flume?.alwaysDropped);
  if (kept === (expected === undefined)) return undefined;
  const said = kept ? `Flume keeps it, the table says ${expected}` : `Flume drops it (${reason}), the table does not`;
  return { option: warned ?? drop?.split(' ')[0] ?? refused ?? '', text: `${JSON.stringify(properties)}: ${said}` };
}

/** What stands behind the names of `agentWith` when a selector or a processor asks for them. */
const names: Readonly<Record<string, readonly string[]>> = { selector: ['c1', 'c2'], 'sink processor': ['k1', 'k2'] };

/** Why the table has Flume drop the component, and the option of the first warning. */
function saidOf(definition: Definition, properties: Properties): { drop?: string | undefined; warned?: string | undefined; refused?: string | undefined } {
  // What is refused is read on, as the plan does it: Flume's verdict needs it.
  const { problems, values: read } = readOptions(definition, new Map(Object.entries(properties)), () => false, ['warn', 'refuse']);
  const findings = read ? (definition.checkNames?.(read, names[definition.kind] ?? []) ?? []) : [];
  const unreadable = read && definition.readableFiles?.(read).find((key) => !readable(String(read[key])));
  const drops = [
    ...problems.filter(({ effect, fault }) => effect === 'drop' && fault !== 'unknown').map(({ key, sentence }) => `${key} ${sentence}`),
    ...findings.filter(({ effect }) => effect === 'drop').map(({ option, sentence }) => `${option} ${sentence}`),
    ...(unreadable === undefined ? [] : [`${unreadable} cannot be read`]),
  ];
  const refused = problems.find(({ effect }) => effect === 'refuse')?.key;
  return { drop: drops[0], warned: problems.find(({ fault, effect }) => fault === 'bad' && effect === 'warn')?.key, refused };
}

function readable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
