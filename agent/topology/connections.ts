import { isLoopback, type Hosts } from './hosts.ts';
import type { Receiver, Sender } from './ends.ts';

/** Where a sink's events go. `host` is absent where it is none of the files'; `receiver` where nothing of its host listens there. */
export interface Connection {
  readonly sender: Sender;
  readonly host: string | undefined;
  readonly receiver: Receiver | undefined;
}

export function connect(senders: readonly Sender[], receivers: readonly Receiver[], hosts: Hosts): readonly Connection[] {
  for (const { bind, agent } of receivers) hosts.add(bind, agent.host);
  return senders.map((sender) => {
    const host = hosts.find(sender.targetHost, sender.agent.host);
    const receiver = receivers.find(({ agent, port }) => agent.host === host && port === sender.targetPort);
    return { sender, host, receiver };
  });
}

/** Whether a receiver can be reached from another host than its own. */
export function isReachable({ sender, receiver }: Connection): boolean {
  return !receiver || sender.agent.host === receiver.agent.host || !isLoopback(receiver.bind);
}

/** `web1 a1.k1`. */
export function nameOf({ agent, name }: Sender | Receiver): string {
  return `${agent.host} ${agent.plan.name}.${name}`;
}

/**
 * Ways that lead events back to where they came from: each as the senders along it, once. Events go from a source to its channels, from
 * there to the sinks, and over a connection to the next source.
 */
export function circlesOf(connections: readonly Connection[]): readonly (readonly Sender[])[] {
  const onward = (receiver: Receiver): readonly Connection[] =>
    connections.filter(({ sender }) => sender.agent === receiver.agent && receiver.channels.includes(sender.channel));
  const circles: Sender[][] = [];
  const finished = new Set<Receiver>();
  const walk = (receiver: Receiver, way: readonly { readonly receiver: Receiver; readonly sender: Sender }[]): void => {
    const seen = way.findIndex((step) => step.receiver === receiver);
    if (seen >= 0) {
      circles.push(way.slice(seen).map(({ sender }) => sender));
      return;
    }
    if (finished.has(receiver)) return;
    for (const { sender, receiver: next } of onward(receiver)) if (next) walk(next, [...way, { receiver, sender }]);
    finished.add(receiver);
  };
  for (const { receiver } of connections) if (receiver) walk(receiver, []);
  return circles;
}
