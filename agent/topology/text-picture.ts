import { nameOf, type Connection } from './connections.ts';
import type { HostedAgent, Receiver } from './ends.ts';
import { columnsOf } from './layout.ts';

/** The chain as lines: agents in the order in which events pass them, and below each its sources, channels and where its sinks send. */
export function drawTopology(agents: readonly HostedAgent[], receivers: readonly Receiver[], connections: readonly Connection[]): string {
  const blocks = columnsOf(agents, connections)
    .flat()
    .map((agent) => block(agent, receivers, connections));
  return blocks.join('\n');
}

function block(agent: HostedAgent, receivers: readonly Receiver[], connections: readonly Connection[]): string {
  const { host, file, plan } = agent;
  const rows = plan.sources.flatMap((source) => {
    const listens = receivers.filter((receiver) => receiver.agent === agent && receiver.name === source.name);
    const at = listens.map(({ bind, port, tls }) => ` ${bind}:${port}${tls ? ' TLS' : ''}`).join('');
    return [`  ${source.name} ${source.definition.types[0]}${at} → ${source.channels.join(', ')}`];
  });
  const channels = plan.channels.map(({ name, definition }) => `  ${name} ${definition.types[0]}`);
  const sinks = plan.sinks.map(({ name, definition, channel }) => {
    const targets = connections.filter(({ sender }) => sender.agent === agent && sender.name === name).map(target);
    return `  ${channel} → ${name} ${definition.types[0]}${targets.length > 0 ? ` ⟶ ${targets.join(', ')}` : ''}`;
  });
  return [`${host}  agent ${plan.name}  (${file})`, ...rows, ...channels, ...sinks, ''].join('\n');
}

function target({ sender, receiver, host }: Connection): string {
  const address = `${sender.targetHost}:${sender.targetPort}`;
  if (receiver) return nameOf(receiver);
  return host === undefined ? `${address} (elsewhere)` : `${address} (nothing listens)`;
}
