import { isIP } from 'node:net';
import { describeError } from '../../core/errors.ts';
import { IpFilter } from '../../sources/avro/ip-filter.ts';
import type { Problem } from '../plan/types.ts';
import { problem } from '../problems/problems.ts';
import { isReachable, nameOf, type Connection } from './connections.ts';
import type { Receiver, Sender } from './ends.ts';
import { canonical, isLoopback, type Hosts } from './hosts.ts';
import { otherPlace, placed } from './places.ts';

/** The sink's address leads past the address that the source is bound to. */
export function outOfReach(connection: Connection): readonly Problem[] {
  const { sender, receiver } = connection;
  if (!receiver || isReachable(connection)) return [];
  const isNamed = isIP(canonical(sender.targetHost)) === 0 && !isLoopback(sender.targetHost);
  const sentence = `${nameOf(receiver)} is bound to ${receiver.bind}, and ${nameOf(sender)} ${isNamed ? 'is on another host' : `sends to ${sender.targetHost}`}`;
  const hint = isLoopback(receiver.bind) ? 'bind = 0.0.0.0, or an address that other hosts reach' : 'bind = 0.0.0.0, or the same address at both ends';
  return [problem('M084', { ...placed(sender.targetPlace), ...otherPlace(receiver, 'bind'), sentence, hint })];
}

/** By `ipFilterRules`: an error where the sender's host is not let in, a warning where that depends on what is not known of it. */
export function shutOut(sender: Sender, receiver: Receiver, hosts: Hosts): Problem[] {
  if (receiver.rules === undefined) return [];
  const { addresses, names } = hosts.callsOf(sender.agent.host);
  const isNear = sender.agent.host === receiver.agent.host;
  const [from, to] = [nameOf(sender), nameOf(receiver)];
  const where = { ...placed(receiver.at('ipFilterRules')), ...otherPlace(sender) };
  const filter = filterOf(receiver.rules);
  if (typeof filter === 'string') return [problem('M084', { ...where, sentence: `${to} cannot start with these rules: ${filter}` })];
  const known = isNear && isLoopback(sender.targetHost) ? ['127.0.0.1'] : addresses;
  const verdicts = known.length === 0 ? [filter.allowsKnown(undefined, names)] : known.map((address) => filter.allowsKnown(address, names));
  if (verdicts.includes(true)) return [];
  if (verdicts.includes(undefined)) {
    const sentence = `whether ${to} lets in ${from} depends on addresses and names of ${sender.agent.host} that are not known`;
    return [problem('M084', { ...where, severity: 'warning', sentence, hint: `say them: --alias ${sender.agent.host}=ADDRESS,NAME` })];
  }
  return [problem('M084', { ...where, sentence: `${to} does not let in ${from}${known.length === 0 ? '' : ` (${known.join(', ')})`}`, hint: 'the first rule that matches decides; where none does, everybody is let in' })];
}

/** Or what is wrong with the rules. */
function filterOf(rules: string): IpFilter | string {
  try {
    return new IpFilter(rules);
  } catch (error) {
    return describeError(error);
  }
}

export function tooMany(receiver: Receiver, connections: readonly Connection[]): Problem[] {
  const senders = connections.flatMap((each) => (each.receiver === receiver ? [each.sender] : []));
  if (receiver.mostConnections === undefined || senders.length <= receiver.mostConnections) return [];
  const sentence = `${nameOf(receiver)} takes up to ${receiver.mostConnections} connections, and ${senders.length} sinks send to it: ${senders.map(nameOf).join(', ')}`;
  return [problem('M083', { ...placed(receiver.at('maxConnections')), ...otherPlace(senders.at(-1)), sentence, hint: 'those that come later are turned away' })];
}
