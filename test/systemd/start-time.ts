/**
 * node test/systemd/start-time.ts [ROUNDS]: how long `systemctl start` takes until READY, by systemd's own clock: an agent without events, then
 * the same with 10 million events of 100 bytes in its durable channel, stopped and killed before. As root.
 */
import { configure, MONITORING, property, startMachine } from './machine.ts';
import { whyNoRig, type Rig } from './rig.ts';

const UNIT = 'millrace@web';
const EVENTS = 10_000_000;
const ALL = new RegExp(`${EVENTS.toLocaleString('en')} waiting`);
const NOWHERE = 'k1.type = avro\nk1.hostname = 127.0.0.1\nk1.port = 45409';
const rounds = Number(process.argv[2] ?? 5);
const why = whyNoRig();
if (why !== undefined) throw new Error(why);

const rig = await startMachine(['1.0.0']);
try {
  await rig.run('dpkg -i /root/millrace_1.0.0.deb', 300_000);
  await configure(rig, 'web', NOWHERE);
  await measure(rig, 'no backlog', 'systemctl stop');
  await fill(rig);
  console.log(`backlog: ${(await rig.run('du -sb /var/lib/millrace/web/channel')).split('\t')[0]} bytes in files`);
  await measure(rig, 'backlog, after a stop', 'systemctl stop');
  await measure(rig, 'backlog, after kill -9', 'systemctl kill -s KILL');
  await rig.run(`systemctl start ${UNIT}`);
  await rig.until(`millrace status --port ${MONITORING} --seconds 0`, ALL);
} finally {
  await rig.end();
}

/** The same agent with a source that fills its channel. */
async function fill(rig: Rig): Promise<void> {
  await rig.run(`cp /etc/millrace/web.properties /root/web.properties
printf 'web.channels.c1.capacity = 20000000\\n' >> /root/web.properties
sed '/sources.r1/d' /root/web.properties > /etc/millrace/web.properties
printf 'web.sources.r1.type = org.apache.flume.source.StressSource\\nweb.sources.r1.size = 100\\nweb.sources.r1.batchSize = 1000\\nweb.sources.r1.maxTotalEvents = ${EVENTS}\\nweb.sources.r1.channels = c1\\n' >> /etc/millrace/web.properties
systemctl start ${UNIT}`);
  await rig.until(`millrace status --port ${MONITORING} --seconds 0`, ALL, 120_000);
  await rig.run(`systemctl stop ${UNIT}; cp /root/web.properties /etc/millrace/web.properties`);
}

async function measure(rig: Rig, what: string, end: string): Promise<void> {
  const times: number[] = [];
  await rig.run(`systemctl start ${UNIT}`);
  for (let round = 0; round < rounds; round++) {
    await rig.try(`${end} ${UNIT}; systemctl stop ${UNIT}; systemctl reset-failed ${UNIT}; systemctl start ${UNIT}`);
    times.push(await readyMs());
  }
  const sorted = times.toSorted((a, b) => a - b).map((ms) => Math.round(ms));
  console.log(`${what}: READY after ${sorted[Math.floor(sorted.length / 2)]} ms (${sorted.join(', ')})`);
  await rig.run(`systemctl stop ${UNIT}`);
}

async function readyMs(): Promise<number> {
  const [ready, start] = await Promise.all(['ActiveEnterTimestampMonotonic', 'InactiveExitTimestampMonotonic'].map((name) => property(rig, 'web', name)));
  return (Number(ready) - Number(start)) / 1000;
}
