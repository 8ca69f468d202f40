import type { Connection } from './connections.ts';
import type { HostedAgent } from './ends.ts';

/** Agents in columns: each stands to the right of all that send to it, but for what closes a circle. In the order of the files within a column. */
export function columnsOf(agents: readonly HostedAgent[], connections: readonly Connection[]): readonly (readonly HostedAgent[])[] {
  const depth = new Map(agents.map((agent) => [agent, 0]));
  const forward = withoutWaysBack(agents, connections);
  // As many rounds as there are agents settle every way.
  for (let round = 0; round < agents.length; round++) {
    for (const [from, to] of forward) depth.set(to, Math.max(depth.get(to) ?? 0, (depth.get(from) ?? 0) + 1));
  }
  const used = [...new Set(depth.values())].sort((a, b) => a - b);
  return used.map((value) => agents.filter((agent) => depth.get(agent) === value));
}

/** Who sends to whom, followed from each agent in the order of the files: what leads to an agent that the way has come by is left out. */
function withoutWaysBack(agents: readonly HostedAgent[], connections: readonly Connection[]): readonly (readonly [HostedAgent, HostedAgent])[] {
  const forward: [HostedAgent, HostedAgent][] = [];
  const finished = new Set<HostedAgent>();
  const walk = (agent: HostedAgent, way: readonly HostedAgent[]): void => {
    if (finished.has(agent)) return;
    const here = [...way, agent];
    for (const { sender, receiver } of connections) {
      if (!receiver || sender.agent !== agent || here.includes(receiver.agent)) continue;
      forward.push([agent, receiver.agent]);
      walk(receiver.agent, here);
    }
    finished.add(agent);
  };
  for (const agent of agents) walk(agent, []);
  return forward;
}
