/** The referee as a program: `node test/faults/referee/run.ts --help`. */

import { parseArgs } from 'node:util';
import { CLEAN, harmOf, Referee, reportOf, type Collector, type Way } from './referee.ts';
import { LENGTHS } from './bodies.ts';
import { FileWriter } from './file-writer.ts';
import { RolledFiles } from './rolled-files.ts';
import { TcpCollector } from './tcp-collector.ts';
import { TcpLines } from './tcp-sender.ts';

const HELP = `Sends numbered events, notes which were acknowledged, and compares them with what comes out at the other end.

  node test/faults/referee/run.ts --to tcp:44444 --from files:/var/out --events 1000000

  --to WAY         tcp:PORT (lines answered with OK, as a netcat source does) or file:PATH (lines appended, for a tailing source);
                   may be given several times: one sender each
  --from PLACE     files:DIRECTORY (of a file_roll sink) or tcp:PORT (lines over TCP); may be given several times
  --events N       new events for each sender; without it until Ctrl-C
  --per-second N   for each sender; as fast as they are acknowledged unless given
  --window N       events sent and not acknowledged, for tcp (10,000)
  --lengths KIND   short: to 208 bytes (default); edges: also around buffers' ends up to 1 MB, and some of 4 MB;
                   numbered-short, numbered-edges: without bodies of 0 and 1 byte
  --seed N         of what is random
  --stalled-after S seconds without anything new after which the rest counts as stalled (30)
  --json           the verdict as JSON

Faults are yours: kill the agent, fill the disk, cut the wire. Ends with 0 if nothing was lost, altered, invented, stalled or out of order.`;

const OPTIONS = {
  to: { type: 'string', multiple: true, default: [] as string[] },
  from: { type: 'string', multiple: true, default: [] as string[] },
  events: { type: 'string' },
  'per-second': { type: 'string' },
  window: { type: 'string' },
  lengths: { type: 'string', default: 'short' },
  seed: { type: 'string' },
  'stalled-after': { type: 'string', default: '30' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const { values } = parseArgs({ options: OPTIONS });
if (values.help || values.to.length === 0 || values.from.length === 0) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}
process.exitCode = await run();

async function run(): Promise<number> {
  const lengths = LENGTHS.find((name) => name === values.lengths);
  if (!lengths) throw new Error(`--lengths ${values.lengths}: ${LENGTHS.join(', ')}`);
  const referee = new Referee({ lengths, ...(values.seed !== undefined && { seed: Number(values.seed) }) });
  for (const place of values.from) referee.collect(await collectorOf(place));
  const pace = { ...(values.events !== undefined && { events: Number(values.events) }), ...(values['per-second'] !== undefined && { perSecond: Number(values['per-second']) }) };
  const senders = values.to.map((way) => referee.send(wayOf(way), pace));
  const interrupted = new Promise<void>((resolve) => process.once('SIGINT', resolve));
  const progress = setInterval(() => void referee.look().then((verdict) => console.error(`acknowledged ${verdict.acknowledged}, delivered ${verdict.delivered}, not yet delivered ${verdict.lost}`)), 2000);
  await Promise.race([interrupted, Promise.all(senders.map(async (sender) => {
    while (!sender.isDone) await new Promise((resolve) => setTimeout(resolve, 50));
  }))]);
  clearInterval(progress);
  const conclusion = await referee.conclude({ stalledAfterMs: Number(values['stalled-after']) * 1000, fresh: senders.some(({ isDone }) => !isDone) });
  console.log(values.json ? JSON.stringify(conclusion) : reportOf(conclusion));
  return JSON.stringify(harmOf(conclusion)) === JSON.stringify(CLEAN) ? 0 : 1;
}

function wayOf(text: string): Way {
  const [, kind, place = ''] = /^(\w+):(.+)$/.exec(text) ?? [];
  const window = values.window === undefined ? {} : { window: Number(values.window) };
  if (kind === 'tcp') return new TcpLines({ port: Number(place), ...window });
  if (kind === 'file') return new FileWriter(place);
  throw new Error(`--to ${text}: tcp:PORT or file:PATH`);
}

async function collectorOf(text: string): Promise<Collector> {
  const [, kind, place = ''] = /^(\w+):(.+)$/.exec(text) ?? [];
  if (kind === 'files') return new RolledFiles(place);
  if (kind !== 'tcp') throw new Error(`--from ${text}: files:DIRECTORY or tcp:PORT`);
  const collector = new TcpCollector();
  await collector.listen(Number(place));
  return collector;
}
