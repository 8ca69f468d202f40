import { nearest } from '../../core/nearest.ts';
import { inThousands } from '../../core/printable.ts';
import type { Problem } from '../plan/types.ts';
import { problem } from '../problems/problems.ts';
import { outOfReach, shutOut, tooMany } from './admission.ts';
import { circlesOf, nameOf, type Connection } from './connections.ts';
import type { HostedAgent, Receiver } from './ends.ts';
import { isAnyAddress, isLoopback, type Hosts } from './hosts.ts';
import { otherPlace, placed, places } from './places.ts';
import { misunderstandings } from './speech.ts';

/** What does not fit between agents, each with the place in the sender's file and, where there is one, in the receiver's. */
export function findingsOf(connections: readonly Connection[], receivers: readonly Receiver[], agents: readonly HostedAgent[], hosts: Hosts): readonly Problem[] {
  return [
    ...sharedPorts(receivers),
    ...receivers.flatMap((receiver) => tooMany(receiver, connections)),
    ...connections.flatMap((connection) => (connection.receiver ? [] : lostSender(connection, receivers, agents))),
    ...connections.flatMap((connection) => misfits(connection, hosts)),
    ...circlesOf(connections).map(([first, ...others]) => {
      const way = [first, ...others, first].flatMap((sender) => (sender ? nameOf(sender) : [])).join(' → ');
      return problem('M085', { ...placed(first?.at()), ...otherPlace(others[0]), sentence: `events go round in a circle: ${way}`, hint: 'every event comes back again and again, and fills the channels' });
    }),
  ];
}

function lostSender({ sender, host }: Connection, receivers: readonly Receiver[], agents: readonly HostedAgent[]): Problem[] {
  const to = `${sender.targetHost}:${sender.targetPort}`;
  if (host === undefined) {
    // A variable that is not set is an error of the file's own.
    if (/\$\{/.test(to)) return [];
    const sentence = `${nameOf(sender)} sends to ${to}, which is none of the hosts of these files`;
    const [meant] = nearest(sender.targetHost, agents.map((agent) => agent.host));
    return [problem('M086', { ...placed(sender.targetPlace), sentence, hint: meant !== undefined ? `did you mean ${meant}?` : `name its file too, or say which host has the address: --alias HOST=${sender.targetHost}` })];
  }
  const others = receivers.filter(({ agent }) => agent.host === host);
  const same = others.filter(({ protocol }) => protocol === sender.protocol);
  const listening = (same.length > 0 ? same : others).map(({ port, type }) => `${port} (${type})`).join(', ');
  const picks = agents.filter((agent) => agent.host === host).flatMap(({ plan }) => plan.sources.filter(({ values }) => values['port'] === 0).map(({ name }) => `${plan.name}.${name}`));
  const free = picks.length === 0 ? '' : `; ${picks.join(', ')} picks a free port (port = 0)`;
  const meant = isLoopback(sender.targetHost) ? receivers.find(({ port, protocol }) => port === sender.targetPort && protocol === sender.protocol) : undefined;
  const elsewhere = meant ? `; ${meant.agent.host} does listen on ${meant.port}: if that is the same host, say so by HOST=${sender.agent.file} HOST=${meant.agent.file}` : '';
  const hint = `${listening === '' ? `nothing listens on a port of ${host} that is known` : `${host} listens on ${listening}`}${free}${elsewhere}`;
  return [problem('M081', { ...placed(sender.at()), sentence: `${nameOf(sender)} sends to ${to}, where no source of ${host} listens`, hint })];
}

function misfits(connection: Connection, hosts: Hosts): Problem[] {
  const { sender, receiver } = connection;
  if (!receiver) return [];
  const [from, to] = [nameOf(sender), nameOf(receiver)];
  if (sender.protocol !== receiver.protocol) {
    return [problem('M082', { ...places(sender, receiver, 'type'), sentence: `${from} speaks ${sender.type}, and ${to} is of the type ${receiver.type}` })];
  }
  const problems = [...misunderstandings(sender, receiver)];
  const most = receiver.mostEvents;
  if (most && sender.batchSize !== undefined && sender.batchSize > most.events) {
    const sentence = `${from} sends up to ${inThousands(sender.batchSize)} events at a time, and channel ${most.channel} of ${to} takes up to ${inThousands(most.events)}`;
    problems.push(problem('M083', { ...places(sender, receiver, 'batch-size', 'port'), sentence, hint: `a smaller batch-size, or transactionCapacity = ${sender.batchSize} there` }));
  }
  return [...problems, ...outOfReach(connection), ...shutOut(sender, receiver, hosts)];
}

/** Within one file that is M030's to say. */
function sharedPorts(receivers: readonly Receiver[]): Problem[] {
  return receivers.flatMap((later, index) => {
    const earlier = receivers.slice(0, index).find(
      ({ agent, port, bind }) =>
        agent.host === later.agent.host && agent.plan !== later.agent.plan && port === later.port && (bind === later.bind || isAnyAddress(bind) || isAnyAddress(later.bind)),
    );
    if (!earlier) return [];
    const sentence = `${nameOf(later)} listens on port ${later.port}, as ${nameOf(earlier)} does`;
    return [problem('M087', { ...placed(later.at()), ...otherPlace(earlier), sentence, hint: 'the second of them cannot start' })];
  });
}
