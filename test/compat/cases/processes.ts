/** exec, seq and stress: sources that need no sender. */

import type { Chain, CompatCase, Observation } from '../side-by-side.ts';
import type { Site } from '../site.ts';

const bash = '/bin/bash -c';

function exec(command: string, options: Readonly<Record<string, string>> = {}): Chain {
  return { r1: { type: 'exec', command, ...options }, c1: { capacity: '5000' }, k1: {} };
}

/** All events of a command whose number is known; one more would show in the metrics of the sink. */
async function events(site: Site, count: number): Promise<Observation> {
  const text = await site.written((all) => all.split('\n').length > count);
  const { EventReceivedCount, EventAcceptedCount } = await site.metrics('SOURCE.r1', (counters) => counters['EventAcceptedCount'] === String(count));
  return { events: text, EventReceivedCount: EventReceivedCount ?? '', EventAcceptedCount: EventAcceptedCount ?? '' };
}

export const execCases: readonly CompatCase[] = [
  {
    name: 'EX-01 exec without a shell splits at blanks',
    chain: exec('printf %s\\n  one "two three" four'),
    run: (site) => events(site, 4),
  },
  { name: 'EX-02 EX-09 exec with a shell', chain: exec('seq 5', { shell: bash }), run: (site) => events(site, 5) },
  { name: 'EX-03 exec with command substitution', chain: exec('echo `seq 5`; echo $(seq 5)', { shell: bash }), run: (site) => events(site, 2) },
  { name: 'EX-04 exec with a pipe', chain: exec('echo zzz 1234 xyz abcd ijk | xargs -n1 echo | sort -f', { shell: bash }), run: (site) => events(site, 5) },
  { name: 'EX-05 exec with a loop', chain: exec('for i in {1..5}; do echo $i;done', { shell: bash }), run: (site) => events(site, 5) },
  { name: 'EX-06 exec with a condition', chain: exec('if ((2+2>3)); then  echo good; else echo not good; fi', { shell: bash }), run: (site) => events(site, 1) },
  { name: 'EX-07 exec with quotes', chain: exec('echo "\'1\'"; echo "\\"2\\""; echo "\\\\3"; echo "\\4"', { shell: bash }), run: (site) => events(site, 4) },
  { name: 'EX-08 exec with awk', chain: exec("for i in `seq 5`; do echo $i; done | awk ' { print $1 + 1 } ' ", { shell: bash }), run: (site) => events(site, 5) },
  { name: 'EX-13 exec ends lines at LF, CR and CRLF and keeps the unterminated rest', chain: exec("printf 'a\\r\\nb\\rc\\n\\nlast'; printf '\\377x\\n'", { shell: bash }), run: (site) => events(site, 5) },
  { name: 'exec reads standard output in the charset', chain: exec("printf '\\351t\\351\\n'", { shell: bash, charset: 'ISO-8859-1' }), run: (site) => events(site, 1) },
  { name: 'exec does not read standard error', chain: exec('echo out; echo err >&2; echo out2', { shell: bash, logStdErr: 'true' }), run: (site) => events(site, 2) },
  { name: 'exec with batches smaller than the output', chain: exec('seq 1000', { shell: bash, batchSize: '7' }), run: (site) => events(site, 1000) },
  {
    name: 'EX-10 EX-15 exec flushes an unfinished batch after batchTimeout',
    chain: exec('echo one; echo two; sleep 600', { shell: bash, batchSize: '100', batchTimeout: '200' }),
    run: (site) => events(site, 2),
  },
  {
    name: 'EX-11 exec restarts the command',
    chain: exec('echo flume', { restart: 'true', restartThrottle: '10' }),
    run: async (site) => {
      const text = await site.written((all) => all.split('\n').length > 6);
      return { distinct: [...new Set(text.trimEnd().split('\n'))] };
    },
  },
];

export const generatorCases: readonly CompatCase[] = [
  { name: 'SQ-02 seq stops after totalEvents', chain: { r1: { type: 'seq', totalEvents: '5' }, c1: {}, k1: {} }, run: (site) => seq(site, 5) },
  { name: 'SQ-03 seq in batches', chain: { r1: { type: 'seq', totalEvents: '10', batchSize: '3' }, c1: {}, k1: {} }, run: (site) => seq(site, 10) },
  {
    name: 'SS-01 stress stops after maxTotalEvents',
    chain: { r1: { type: 'org.apache.flume.source.StressSource', size: '10', maxTotalEvents: '35' }, c1: {}, k1: {} },
    run: async (site) => ({ events: await settled(site, 35) }),
  },
  {
    name: 'SS-04 stress in batches, the last one shorter',
    chain: { r1: { type: 'org.apache.flume.source.StressSource', size: '3', maxTotalEvents: '35', batchSize: '10' }, c1: {}, k1: {} },
    run: async (site) => ({ events: await settled(site, 35) }),
  },
  {
    name: 'SS-06 stress may overshoot maxSuccessfulEvents by the rest of a batch',
    chain: { r1: { type: 'org.apache.flume.source.StressSource', size: '3', maxSuccessfulEvents: '35', batchSize: '10' }, c1: {}, k1: {} },
    run: async (site) => ({ events: await settled(site, 35) }),
  },
];

async function seq(site: Site, count: number): Promise<Observation> {
  const { EventReceivedCount, EventAcceptedCount, AppendBatchAcceptedCount } = await site.metrics('SOURCE.r1', (counters) => counters['EventAcceptedCount'] === String(count));
  return { events: await settled(site, count), EventReceivedCount: EventReceivedCount ?? '', EventAcceptedCount: EventAcceptedCount ?? '', AppendBatchAcceptedCount: AppendBatchAcceptedCount ?? '' };
}

/** The events once the channel has been emptied of as many as went into it. */
async function settled(site: Site, least: number): Promise<string> {
  const { EventPutSuccessCount } = await site.metrics('CHANNEL.c1', (counters) => Number(counters['EventPutSuccessCount']) >= least && counters['EventPutSuccessCount'] === counters['EventTakeSuccessCount']);
  return site.written((all) => all.split('\n').length > Number(EventPutSuccessCount));
}
