/**
 * `node test/compat/tail-peers.ts`: what others that follow files make of some of the scenarios, beside Millrace, under the same account.
 * Runs those that are installed: rsyslog (imfile) and syslog-ng (wildcard-file; `SYSLOG_NG` may name the program and
 * `SYSLOG_NG_MODULES` its modules). `PEERS=syslog-ng` runs only those.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../harness/agent.ts';
import { startDaemon, type Daemon } from '../servers/daemon.ts';

interface Place {
  readonly folder: string;
  readonly logs: string;
  readonly output: string;
}

interface Peer {
  readonly name: string;
  /** Whole names, `app*` or `app.log`. */
  start(place: Place, pattern: string): Daemon;
}

const FILLER = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(8);
const lineOf = (number: number): string => `${number}:${FILLER.slice(0, 20 + ((number * 7919) % 179))}`;
const lines = (from: number, to: number): string => Array.from({ length: to - from }, (_, index) => `${lineOf(from + index)}\n`).join('');

const millrace: Peer = {
  name: 'Millrace',
  start: ({ folder, logs, output }, pattern) => {
    const conf = join(folder, 'millrace.conf');
    mkdirSync(output, { recursive: true });
    writeFileSync(conf, `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = TAILDIR
a1.sources.r1.channels = c1
a1.sources.r1.filegroups = f1
a1.sources.r1.filegroups.f1 = ${logs}/${pattern.replace('.', '\\\\.').replace('*', '.*')}
a1.sources.r1.positionFile = ${folder}/positions.json
a1.channels.c1.type = file
a1.channels.c1.checkpointDir = ${folder}/checkpoint
a1.channels.c1.dataDirs = ${folder}/data
a1.sinks.k1.type = file_roll
a1.sinks.k1.channel = c1
a1.sinks.k1.sink.directory = ${output}
a1.sinks.k1.sink.rollInterval = 0
`);
    return startDaemon({ command: join(root, 'bin/millrace'), args: ['agent', '--conf', folder, '--conf-file', conf, '--name', 'a1'], env: { MILLRACE_DEV: '1' } });
  },
};

const rsyslog: Peer = {
  name: 'rsyslog imfile',
  start: ({ folder, logs, output }, pattern) => {
    const conf = join(folder, 'rsyslog.conf');
    mkdirSync(join(folder, 'state'), { recursive: true });
    mkdirSync(output, { recursive: true });
    writeFileSync(conf, `global(workDirectory="${folder}/state")
module(load="imfile")
template(name="raw" type="string" string="%msg%\\n")
input(type="imfile" File="${logs}/${pattern}" Tag="t" reopenOnTruncate="on" ruleset="r")
ruleset(name="r") { action(type="omfile" file="${output}/out.log" template="raw") }
`);
    return startDaemon({ command: 'rsyslogd', args: ['-n', '-f', conf, '-i', join(folder, 'pid')] });
  },
};

const syslogNgProgram = process.env['SYSLOG_NG'] ?? 'syslog-ng';
/** Where it is not installed but unpacked somewhere. */
const modules = process.env['SYSLOG_NG_MODULES'];
const syslogNg: Peer = {
  name: 'syslog-ng',
  start: ({ folder, logs, output }, pattern) => {
    const conf = join(folder, 'syslog-ng.conf');
    mkdirSync(output, { recursive: true });
    writeFileSync(conf, `@version: 3.35
options { use-dns(no); flush-lines(1); };
source s { wildcard-file(base-dir("${logs}") filename-pattern("${pattern}") flags(no-parse) follow-freq(1)); };
destination d { file("${output}/out.log" template("$MSG\\n")); };
log { source(s); destination(d); };
`);
    return startDaemon({ command: syslogNgProgram, args: [...(modules === undefined ? [] : [`--module-path=${modules}`]), '-F', '-f', conf, '-R', join(folder, 'persist'), '-c', join(folder, 'ctl'), '-p', join(folder, 'pid')], env: { LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'] ?? '' } });
  },
};

/** Does things to the files; answers how many lines there are in the end. `restart` kills the program, does something, starts it again. */
interface Scenario {
  readonly name: string;
  readonly pattern: string;
  run(path: (name: string) => string, settled: (count: number) => Promise<void>, restart: (between: () => void) => Promise<void>): Promise<number>;
}

const scenarios: readonly Scenario[] = [
  {
    name: 'T1 renamed and made anew, 20 times',
    pattern: 'app*',
    async run(path) {
      let next = 0;
      for (let round = 0; round < 20; round++) {
        for (let piece = 0; piece < 5; piece++) {
          appendFileSync(path('app.log'), lines(next, (next += 50)));
          await sleep(10);
        }
        for (let old = round; old > 0; old--) renameSync(path(`app.log.${old}`), path(`app.log.${old + 1}`));
        renameSync(path('app.log'), path('app.log.1'));
      }
      return next;
    },
  },
  {
    name: 'T2 moved out of the pattern while unread',
    pattern: 'app.log',
    async run(path, settled) {
      mkdirSync(path('old'));
      appendFileSync(path('app.log'), lines(0, 100));
      await settled(100);
      appendFileSync(path('app.log'), lines(100, 200_000));
      renameSync(path('app.log'), path('old/1'));
      appendFileSync(path('app.log'), lines(200_000, 200_100));
      return 200_100;
    },
  },
  {
    name: 'T5 copied and emptied',
    pattern: 'app*',
    async run(path, settled) {
      writeFileSync(path('app.log'), lines(0, 2000));
      await settled(2000);
      copyFileSync(path('app.log'), path('app.log.1'));
      truncateSync(path('app.log'), 0);
      await sleep(3000);
      appendFileSync(path('app.log'), lines(2000, 2010));
      return 2010;
    },
  },
  {
    name: 'T7 emptied and longer at once',
    pattern: 'app*',
    async run(path, settled) {
      writeFileSync(path('app.log'), lines(0, 10));
      await settled(10);
      writeFileSync(path('app.log'), lines(10, 100));
      return 100;
    },
  },
  {
    name: 'T8 deleted, another file with its number',
    pattern: 'app*',
    async run(path, settled) {
      writeFileSync(path('app.a'), lines(0, 20));
      await settled(20);
      rmSync(path('app.a'));
      writeFileSync(path('app.b'), lines(20, 100));
      return 100;
    },
  },
  {
    name: 'T15 half a line, kill -9',
    pattern: 'app*',
    async run(path, settled, restart) {
      const half = Math.ceil(lineOf(10).length / 2);
      writeFileSync(path('app.log'), lines(0, 10) + lineOf(10).slice(0, half));
      await settled(10);
      await sleep(4000);
      await restart(() => appendFileSync(path('app.log'), `${lineOf(10).slice(half)}\n`));
      return 11;
    },
  },
];

for (const peer of [millrace, rsyslog, syslogNg].filter(({ name }) => (process.env['PEERS'] ?? name).includes(name))) {
  const program = peer === rsyslog ? 'rsyslogd' : peer === syslogNg ? syslogNgProgram : undefined;
  if (program !== undefined && spawnSync(program, ['--version']).error) {
    console.log(`${peer.name}: not installed`);
    continue;
  }
  for (const scenario of scenarios) console.log(`| ${peer.name} | ${scenario.name} | ${await play(peer, scenario)} |`);
}

async function play(peer: Peer, { pattern, run }: Scenario): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-peers-'));
  const place: Place = { folder, logs: join(folder, 'logs'), output: join(folder, 'out') };
  mkdirSync(place.logs);
  let daemon = peer.start(place, pattern);
  const output = (): string[] => outputOf(place.output);
  const settled = async (count: number): Promise<void> => {
    for (const end = performance.now() + 20_000; new Set(output()).size < count && performance.now() < end; ) await sleep(100);
    await sleep(1500);
  };
  try {
    await sleep(2500);
    const count = await run((name) => join(place.logs, name), settled, async (between) => {
      await daemon.kill();
      between();
      daemon = peer.start(place, pattern);
    });
    await settled(count);
    await sleep(3000);
    return verdict(output(), count);
  } finally {
    await daemon.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function outputOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = process.getBuiltinModule('node:fs').readdirSync(folder);
  return names.flatMap((name) => readFileSync(join(folder, name), 'latin1').split('\n').slice(0, -1));
}

function verdict(all: readonly string[], count: number): string {
  const seen = new Set<number>();
  let repeated = 0;
  let torn = 0;
  for (const line of all) {
    const number = Number.parseInt(line.trim(), 10);
    if (line.trim() !== lineOf(number)) torn++;
    else if (seen.has(number)) repeated++;
    else seen.add(number);
  }
  return `lost ${count - seen.size}, repeated ${repeated}, torn ${torn}, of ${count}`;
}
