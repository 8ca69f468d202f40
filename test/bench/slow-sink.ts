import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../harness/agent.ts';
import { measure, sum } from './measure.ts';
import { figuresOf } from './process-figures.ts';
import { startMillrace } from './subjects.ts';

const SECONDS = 60;
const PER_SECOND = 100_000;
const CONF = `a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = @PORT@
a1.sources.r1.ack-every-event = false
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
a1.channels.c1.capacity = 10000
a1.channels.c1.transactionCapacity = 1000
a1.sinks.k1.type = ${join(root, 'test/bench/plugins/slow-sink.ts')}
a1.sinks.k1.eventsPerSecond = ${PER_SECOND}
a1.sinks.k1.channel = c1
`;

/** W10: a sender that could send a hundred times more against a sink of 100 k/s; prints the memory every ten seconds. */
export async function slowSink(): Promise<void> {
  const subject = await startMillrace(CONF, { component: 'CHANNEL.c1', attribute: 'EventTakeSuccessCount' });
  const samples: number[] = [];
  let running = true;
  const sampling = (async () => {
    while (running) {
      samples.push(sum(subject.pids.map((pid) => figuresOf(pid).rssMb)));
      await sleep(1000);
    }
  })();
  try {
    const load = { lines: SECONDS * PER_SECOND, connections: 1, lineBytes: 100, acks: false };
    const { seconds, peaksMb, cpuPerMillion } = await measure(subject, load);
    running = false;
    await sampling;
    console.log(`### W10: W1 against a sink of ${PER_SECOND.toLocaleString('en')} events/s\n`);
    console.log(`${load.lines.toLocaleString('en')} lines, all counted, in ${seconds.toFixed(1)} s; ${cpuPerMillion.toFixed(3)} CPU s per million; peak ${sum(peaksMb).toFixed(0)} MB.`);
    console.log(`Memory (MB) each 10 s: ${samples.filter((_, index) => index % 10 === 0).map((mb) => mb.toFixed(0)).join(' ')}\n`);
  } finally {
    running = false;
    await subject.stop();
  }
}
