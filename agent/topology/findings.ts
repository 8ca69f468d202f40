import { nearest } from '../../core/nearest.ts';
import { inThousands } from '../../core/printable.ts';
import type { Problem } from '../plan/types.ts';
import { problem } from '../problems/problems.ts';
import { circlesOf, isReachable, nameOf, type Connection } from './connections.ts';
import type { HostedAgent, Receiver } from './ends.ts';
import { isAnyAddress } from './hosts.ts';

/** What does not fit between agents, each with the place in the sender's file and, where there is one, in the receiver's. */
export function findingsOf(connections: readonly Connection[], receivers: readonly Receiver[], agents: readonly HostedAgent[]): readonly Problem[] {
  return [
    ...sharedPorts(receivers),
    ...connections.flatMap((connection) => (connection.receiver ? [] : lostSender(connection, receivers, agents))),
    ...connections.flatMap((connection) => misfits(connection)),
    ...circlesOf(connections).map(([first, ...others]) => {
      const way = [first, ...others, first].flatMap((sender) => (sender ? nameOf(sender) : [])).join(' → ');
      return problem('M085', { ...placed(first?.at()), sentence: `events go round in a circle: ${way}`, hint: 'every event comes back again and again, and fills the channels' });
    }),
  ];
}

function lostSender({ sender, host }: Connection, receivers: readonly Receiver[], agents: readonly HostedAgent[]): Problem[] {
  const to = `${sender.targetHost}:${sender.targetPort}`;
  if (host === undefined) {
    const sentence = `${nameOf(sender)} sends to ${to}, which is none of the hosts of these files`;
    const [meant] = nearest(sender.targetHost, agents.map((agent) => agent.host));
    return [problem('M086', { ...placed(sender.at('hostname')), sentence, hint: meant !== undefined ? `did you mean ${meant}?` : `name its file too, or say which host has the address: --alias HOST=${sender.targetHost}` })];
  }
  const others = receivers.filter(({ agent }) => agent.host === host);
  const same = others.filter(({ protocol }) => protocol === sender.protocol);
  const listening = (same.length > 0 ? same : others).map(({ port, type }) => `${port} (${type})`).join(', ');
  const picks = agents.filter((agent) => agent.host === host).flatMap(({ plan }) => plan.sources.filter(({ values }) => values['port'] === 0).map(({ name }) => `${plan.name}.${name}`));
  const free = picks.length === 0 ? '' : `; ${picks.join(', ')} picks a free port (port = 0)`;
  const hint = `${listening === '' ? `nothing listens on a port of ${host} that is known` : `${host} listens on ${listening}`}${free}`;
  return [problem('M081', { ...placed(sender.at()), sentence: `${nameOf(sender)} sends to ${to}, where no source of ${host} listens`, hint })];
}

function misfits(connection: Connection): Problem[] {
  const { sender, receiver } = connection;
  if (!receiver) return [];
  const both = (option: string, there = option): Pick<Problem, 'place' | 'other'> => {
    const other = receiver.at(there);
    return { ...placed(sender.at(option)), ...(other && { other }) };
  };
  const [from, to] = [nameOf(sender), nameOf(receiver)];
  if (sender.protocol !== receiver.protocol) {
    return [problem('M082', { ...both('type'), sentence: `${from} speaks ${sender.type}, and ${to} is of the type ${receiver.type}` })];
  }
  const problems: Problem[] = [];
  if (sender.tls !== receiver.tls) {
    const [with_, without] = sender.tls ? [from, to] : [to, from];
    problems.push(problem('M082', { ...both('ssl'), sentence: `${with_} speaks TLS, and ${without} does not`, hint: 'ssl = true at both ends, or at none' }));
  }
  if (sender.tlsVersions && receiver.tlsVersions && (sender.tlsVersions[0] > receiver.tlsVersions[1] || sender.tlsVersions[1] < receiver.tlsVersions[0])) {
    const versions = ([oldest, newest]: readonly [string, string]): string => (oldest === newest ? oldest : `${oldest} to ${newest}`);
    const sentence = `${from} speaks ${versions(sender.tlsVersions)}, and ${to} ${versions(receiver.tlsVersions)}`;
    problems.push(problem('M082', { ...both('exclude-protocols', 'include-protocols'), sentence, hint: 'include-protocols and exclude-protocols have to leave one version to both' }));
  }
  if (sender.compressed !== receiver.compressed) {
    const [with_, without] = sender.compressed ? [from, to] : [to, from];
    problems.push(problem('M082', { ...both('compression-type'), sentence: `${with_} compresses, and ${without} does not`, hint: 'compression-type = deflate at both ends, or at none' }));
  }
  if (receiver.asksForCertificate && sender.tls && !sender.showsCertificate) {
    problems.push(problem('M082', { ...both('ssl', 'client-auth'), sentence: `${to} asks for a certificate, and ${from} has none to show`, hint: 'give the sink a keystore' }));
  }
  const most = receiver.mostEvents;
  if (most && sender.batchSize !== undefined && sender.batchSize > most.events) {
    const sentence = `${from} sends up to ${inThousands(sender.batchSize)} events at a time, and channel ${most.channel} of ${to} takes up to ${inThousands(most.events)}`;
    problems.push(problem('M083', { ...both('batch-size', 'port'), sentence, hint: `a smaller batch-size, or transactionCapacity = ${sender.batchSize} there` }));
  }
  if (!isReachable(connection)) {
    problems.push(problem('M084', { ...both('hostname', 'bind'), sentence: `${to} is bound to ${receiver.bind}, and ${from} is on another host`, hint: 'bind = 0.0.0.0, or an address that other hosts reach' }));
  }
  return problems;
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
    const other = earlier.at();
    return [problem('M087', { ...placed(later.at()), ...(other && { other }), sentence, hint: 'the second of them cannot start' })];
  });
}

function placed(place: Problem['place']): Pick<Problem, 'place'> {
  return place ? { place } : {};
}
