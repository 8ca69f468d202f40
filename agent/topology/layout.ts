import type { Connection } from './connections.ts';
import type { HostedAgent } from './ends.ts';

/** Agents in columns: each stands to the right of all that send to it, as far as circles let it. In the order of the files within a column. */
export function columnsOf(agents: readonly HostedAgent[], connections: readonly Connection[]): readonly (readonly HostedAgent[])[] {
  const depth = new Map(agents.map((agent) => [agent, 0]));
  // As many rounds as there are agents settle every way without a circle.
  for (let round = 0; round < agents.length; round++) {
    for (const { sender, receiver } of connections) {
      if (!receiver || receiver.agent === sender.agent) continue;
      const wanted = Math.min((depth.get(sender.agent) ?? 0) + 1, agents.length - 1);
      if ((depth.get(receiver.agent) ?? 0) < wanted) depth.set(receiver.agent, wanted);
    }
  }
  const used = [...new Set(depth.values())].sort((a, b) => a - b);
  return used.map((value) => agents.filter((agent) => depth.get(agent) === value));
}
