/** Configuration texts of the small agents that most tests run. */

export interface Parts {
  readonly source?: string;
  readonly channel?: string;
  readonly sink?: string;
}

/** Settings of a channel that outlives its agent, in the folder of the run; one that takes the last byte of the disk. */
export const DURABLE = 'type = file\ncheckpointDir = @FOLDER@/checkpoint\ndataDirs = @FOLDER@/data\nminimumRequiredSpace = 0';

/** Settings of a sink that can write nowhere, so that everything stays in its channel. */
export const NOWHERE = 'type = file_roll\nsink.directory = /nonexistent/millrace';

/**
 * Agent a1: source r1, netcat on a free port of 127.0.0.1, channel c1, sink k1. The parts are settings, one a line: `type = null`, or in
 * full `a1.sinks.k1.type = null`. The sink drains c1 unless it says another channel.
 */
export function netcatConf({ source = '', channel = 'type = memory', sink = 'type = null' }: Parts = {}): string {
  return `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = 0
a1.sources.r1.channels = c1
${inFull('a1.sources.r1', source)}
${inFull('a1.channels.c1', channel)}
${inFull('a1.sinks.k1', /^(a1\.sinks\.k1\.)?channel = /m.test(sink) ? sink : `${sink}\nchannel = c1`)}
`;
}

function inFull(component: string, settings: string): string {
  return settings
    .split('\n')
    .map((line) => (line.trim() === '' || line.startsWith('a1.') ? line : `${component}.${line}`))
    .join('\n');
}
