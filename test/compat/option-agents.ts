/** Agents around one component, small enough that Flume can have no other reason to drop it. */

import type { AnyDefinition } from '../../core/define.ts';
import type { Properties } from './option-probes.ts';

/** Kinds whose place in a file this module knows. */
export type PlacedKind = 'source' | 'channel' | 'sink' | 'interceptor' | 'selector' | 'sink processor';

/** A name of the type that Flume has. */
export function flumeType(definition: AnyDefinition): string {
  return definition.types.find((name) => name.startsWith('org.apache.flume.')) ?? definition.types[0];
}

const plainChannel = 'org.apache.flume.channel.PseudoTxnMemoryChannel';
const places: Readonly<Record<PlacedKind, string>> = {
  source: 'sources.r1',
  channel: 'channels.c1',
  sink: 'sinks.k1',
  interceptor: 'sources.r1.interceptors.i1',
  selector: 'sources.r1.selector',
  'sink processor': 'sinkgroups.g1.processor',
};

/**
 * The lines of an agent, without the agent's name. Its channel takes part in no check of batch sizes, unless `transactionCapacity` asks
 * for a memory channel with that much.
 */
export function agentWith(kind: PlacedKind, type: string, properties: Properties, transactionCapacity?: number): string {
  const lines = new Map([
    ['sources', 'r1'],
    ['channels', 'c1'],
    ['sources.r1.type', 'netcatudp'],
    ['sources.r1.port', '41414'],
    ['sources.r1.channels', 'c1'],
    ['channels.c1.type', plainChannel],
  ]);
  if (kind === 'source') lines.delete('sources.r1.port');
  if (kind === 'sink') addTo(lines, { sinks: 'k1', 'sinks.k1.channel': 'c1' });
  if (kind === 'interceptor') addTo(lines, { 'sources.r1.interceptors': 'i1' });
  if (kind === 'selector') addTo(lines, { channels: 'c1 c2', 'sources.r1.channels': 'c1 c2', 'channels.c2.type': plainChannel });
  if (kind === 'sink processor') {
    addTo(lines, { sinks: 'k1 k2', 'sinks.k1.type': 'logger', 'sinks.k2.type': 'logger', 'sinks.k1.channel': 'c1', 'sinks.k2.channel': 'c1' });
    addTo(lines, { sinkgroups: 'g1', 'sinkgroups.g1.sinks': 'k1 k2' });
  }
  if (transactionCapacity !== undefined) {
    const most = String(transactionCapacity);
    addTo(lines, { 'channels.c1.type': 'memory', 'channels.c1.capacity': most, 'channels.c1.transactionCapacity': most });
  }
  lines.set(`${places[kind]}.type`, type);
  for (const [key, value] of Object.entries(properties)) lines.set(`${places[kind]}.${key}`, value);
  return [...lines].map(([key, value]) => `${key} = ${value}`).join('\n');
}

function addTo(lines: Map<string, string>, more: Properties): void {
  for (const [key, value] of Object.entries(more)) lines.set(key, value);
}
