import { isIP } from 'node:net';
import { canonical, isAnyAddress, isLoopback, type Hosts } from './hosts.ts';
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
    const there = receivers.filter(({ agent, port }) => agent.host === host && port === sender.targetPort);
    const alike = there.filter(({ protocol }) => protocol === sender.protocol);
    // There may be several on one port: of another protocol, or bound to another address.
    const receiver = alike.find((each) => isReachable({ sender, host, receiver: each })) ?? alike[0] ?? there[0];
    return { sender, host, receiver };
  });
}

/** Whether what is sent to the sink's address gets to where the source listens. What names are resolved to is not known, and taken for right. */
export function isReachable({ sender, receiver }: Connection): boolean {
  if (!receiver || isAnyAddress(receiver.bind)) return true;
  const isNear = sender.agent.host === receiver.agent.host;
  const [to, at] = [isAnyAddress(sender.targetHost) ? '127.0.0.1' : canonical(sender.targetHost), canonical(receiver.bind)];
  if (isIP(to) > 0 && isIP(at) > 0) return to === at;
  if (isLoopback(at)) return isNear && (isLoopback(to) || isIP(to) === 0);
  return isIP(at) === 0 || !isLoopback(to);
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
