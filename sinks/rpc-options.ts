import { clientTls, port } from '../core/option-groups.ts';
import { integer, string } from '../core/options.ts';

/** What the sinks that send to the next agent have in common. */
export const rpcOptions = {
  hostname: string({
    bad: 'refuse',
    check: (name) => (name.includes(':') ? 'holds a colon: Flume never connects to an IPv6 address' : undefined),
    doc: 'Host name or IPv4 address of the receiver.',
  }),
  port: port({ min: 1, doc: 'TCP port of the receiver.' }),
  'batch-size': integer({
    default: 100,
    min: 1,
    unreadable: 'warn',
    outside: 'warn',
    doc: 'Most events taken from the channel, and sent, at a time.',
  }),
  'reset-connection-interval': integer({ default: 0, doc: 'Seconds after which the connection is made anew; 0: never.' }),
  ...clientTls,
};
