import { define } from '../core/define.ts';
import { port } from '../core/option-groups.ts';
import { boolean, optional, string } from '../core/options.ts';

export const ircSink = define('sink', {
  types: ['irc', 'org.apache.flume.sink.irc.IRCSink'],
  summary: 'Says the body of each event in an IRC channel.',
  options: {
    hostname: string({ doc: 'Host name of the IRC server.' }),
    port: port({ default: 6667, doc: 'TCP port of the IRC server.' }),
    nick: string({ doc: 'Nickname to use.' }),
    user: optional(string({ doc: 'User name to log in as.' })),
    password: optional(string({ secret: true, doc: 'Password to log in with.' })),
    name: optional(string({ doc: 'Real name to show.' })),
    chan: string({ doc: 'Channel to join, without its number sign: Flume puts one in front.' }),
    splitlines: boolean({ default: false, doc: 'Say each line of a body by itself.' }),
    splitchars: string({ default: '\n', doc: 'Regular expression that lines are split at.' }),
  },
});
