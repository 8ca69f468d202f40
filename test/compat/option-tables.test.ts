/**
 * Each option table against real Flume 1.11: for odd and missing values of each option, whether Flume keeps the component or drops it has
 * to be what the table says (a fault whose effect is `drop`, or a file that cannot be read).
 */

import assert from 'node:assert/strict';
import { accessSync, constants, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { channels } from '../../channels/index.ts';
import type { AnyDefinition, Definition } from '../../core/define.ts';
import type { Option } from '../../core/options.ts';
import { readOptions } from '../../core/read-options.ts';
import { interceptors } from '../../interceptors/index.ts';
import { sinks } from '../../sinks/index.ts';
import { sources } from '../../sources/index.ts';
import { flumeAvailable } from '../servers/flume.ts';
import { base, together, values, type Properties } from './option-probes.ts';
import { startOracle, type Oracle, type OracleLine } from './oracle.ts';

type Kind = 'source' | 'channel' | 'sink' | 'interceptor';

/** Types that this rig cannot have loaded, with the reason. */
const notTried: Readonly<Record<string, string>> = {
  'sink hbase2': 'the rig has the HBase 1 client on its class path, with which Flume refuses this sink',
  'interceptor org.apache.flume.sink.solr.morphline.MorphlineInterceptor$Builder': 'needs a file of morphlines that compiles',
};

/** Differences that stay, with the reason: type and option, or type alone. */
const different: Readonly<Record<string, string>> = {
  'source jms providerURL': 'read with any broker\'s scheme, as Flume does with -DJndiAllowedProtocols',
  'source jms connectionFactory': 'the same',
};

/** The first of them decides for the process, so that each probe needs a process of its own. */
const oncePerProcess = ['channel jdbc'];

const AGENTS_PER_FILE = 40;

describe('option tables against Flume', { skip: flumeAvailable() }, () => {
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

  for (const { kind, all } of [sources, channels, sinks, interceptors] as const) {
    for (const definition of all) {
      const name = `${kind} ${definition.types[0]}`;
      if (definition.flume?.notLoadable === '') continue;
      test(name, { skip: notTried[name] ?? false }, async () => {
        const alone = oncePerProcess.includes(name);
        const probes = alone ? [base[name] ?? {}, ...(together[name] ?? [])] : probesOf(name, definition);
        const step = alone ? 1 : AGENTS_PER_FILE;
        const faults: string[] = [];
        for (let at = 0; at < probes.length; at += step) {
          const some = probes.slice(at, at + step);
          const file = join(folder, 'probe.conf');
          await writeFile(file, some.map((properties, index) => confOf(`p${index}`, kind, definition, properties)).join('\n'));
          const fresh = alone ? await startOracle() : oracle;
          const lines = new Map((await fresh.ask(file)).map((line) => [line.agent, line]));
          if (alone) await fresh.close();
          for (const [index, properties] of some.entries()) {
            const line = lines.get(`p${index}`);
            assert.ok(line, `no answer about ${JSON.stringify(properties)}`);
            const fault = compare(kind, definition, properties, line);
            if (fault && different[`${name} ${fault.option}`] === undefined) faults.push(fault.text);
          }
        }
        assert.deepEqual(faults, [], `${faults.length} of ${probes.length} differ`);
      });
    }
  }
});

function probesOf(name: string, definition: AnyDefinition): readonly Properties[] {
  const good = base[name] ?? {};
  const probes: Properties[] = [good];
  for (const [key, option] of Object.entries<Option<unknown>>(definition.options)) {
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

/** An agent with the component in question, on a channel that takes part in no check of batch sizes. */
function confOf(agent: string, kind: Kind, definition: AnyDefinition, properties: Properties): string {
  const plain = 'org.apache.flume.channel.PseudoTxnMemoryChannel';
  const type = definition.types.find((name) => name.startsWith('org.apache.flume.')) ?? definition.types[0];
  const lines = [`sources = r1`, `channels = c1`, `sources.r1.channels = c1`, `channels.c1.type = ${kind === 'channel' ? type : plain}`];
  if (kind === 'sink') lines.push('sinks = k1', 'sinks.k1.channel = c1');
  lines.push(`sources.r1.type = ${kind === 'source' ? type : 'netcatudp'}`);
  if (kind === 'sink') lines.push(`sinks.k1.type = ${type}`);
  if (kind === 'interceptor') lines.push('sources.r1.interceptors = i1', `sources.r1.interceptors.i1.type = ${type}`);
  if (kind !== 'source') lines.push('sources.r1.port = 41414');
  for (const [key, value] of Object.entries(properties)) {
    lines.push(`${{ source: 'sources.r1', channel: 'channels.c1', sink: 'sinks.k1', interceptor: 'sources.r1.interceptors.i1' }[kind]}.${key} = ${value}`);
  }
  const text = lines.map((line) => `${agent}.${line}`).join('\n');
  // Flume reads single bytes; what has no place there reaches it as UTF-8 taken apart, and us as it is.
  return text.replace(/[\x80-\xff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

interface Fault {
  readonly option: string;
  readonly text: string;
}

function compare(kind: Kind, definition: AnyDefinition, properties: Properties, line: OracleLine): Fault | undefined {
  const there = { source: line.sources, channel: line.channels, sink: line.sinks, interceptor: line.sources }[kind].length > 0;
  const component = { source: 'source', channel: 'channel', sink: 'sink', interceptor: 'source' }[kind];
  const reason = line.fatal ?? line.dropped.find((dropped) => dropped.component.startsWith(component))?.reason ?? '';
  if (definition.flume?.notLoadable) {
    return line.verdict === 'refuses' ? undefined : { option: '', text: `loaded, although it should not be: ${reason}` };
  }
  if (reason.startsWith('OutOfMemoryError')) return undefined;
  const kept = there || unavoidable.test(reason);
  const ours = dropReason(definition as unknown as Definition, properties);
  const expected = ours ?? definition.flume?.alwaysDropped;
  if (kept === (expected === undefined)) return undefined;
  const said = kept ? `Flume keeps it, the table says ${expected}` : `Flume drops it (${reason}), the table does not`;
  return { option: differing(definition, properties) ?? ours?.split(' ')[0] ?? '', text: `${JSON.stringify(properties)}: ${said}` };
}

/** The option that is warned of, where Flume drops and we do not. */
function differing(definition: AnyDefinition, properties: Properties): string | undefined {
  const { problems } = readOptions(definition as unknown as Definition, new Map(Object.entries(properties)));
  return problems.find(({ fault, effect }) => fault === 'bad' && effect === 'warn')?.key;
}

/** What happens to a JMS source with good options where there is no broker. */
const unavoidable = /Could not create initial context|Could not lookup ConnectionFactory/;

function dropReason(definition: Definition, properties: Properties): string | undefined {
  const reading = readOptions(definition, new Map(Object.entries(properties)));
  const problem = reading.problems.find(({ effect, fault }) => effect === 'drop' && fault !== 'unknown');
  if (problem) return `${problem.key} ${problem.sentence}`;
  const readable = (path: string): boolean => {
    try {
      accessSync(path, constants.R_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  };
  if (!reading.values) return undefined;
  const unreadable = definition.readableFiles?.(reading.values).find((key) => !readable(String(reading.values?.[key])));
  return unreadable === undefined ? undefined : `${unreadable} cannot be read`;
}
