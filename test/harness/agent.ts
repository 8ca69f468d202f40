/**
 * The real agent as a process of a test: `bin/millrace agent` on a configuration text, its log lines, its metrics, stopped or killed by
 * its pid. A configuration should say `port = 0`; `port('r1')` then tells what was bound.
 *
 *     const agent = await startAgent({ conf: `a1.sources = r1 …` });
 *     t.after(() => agent.stop());
 *     await agent.ready();
 *     const socket = connect(await agent.port('r1'), '127.0.0.1');
 *     …
 *     await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 30);
 */

import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startDaemon, type Daemon } from '../servers/daemon.ts';

export { freePort, until } from '../servers/daemon.ts';

/** Top of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** What `/metrics` answers: component (`SOURCE.r1`) to attribute to text. */
export type FlumeMetrics = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface HealthAnswer {
  readonly statusCode: number;
  readonly body: { readonly status: string; readonly components: readonly ComponentHealth[] };
}

export interface ComponentHealth {
  readonly component: string;
  readonly state: string;
  readonly reason?: string;
}

export interface AgentOptions {
  /** Text of the configuration file. Every `@FOLDER@` in it becomes the folder of this run. */
  readonly conf: string;
  /** Name of the agent; `a1` unless given. */
  readonly agent?: string;
  /** System properties (`-D`). */
  readonly properties?: Readonly<Record<string, string>>;
  /** Further arguments of `millrace agent`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Serve metrics on a free port of 127.0.0.1; on unless it is false. */
  readonly monitoring?: boolean;
  /** For what a second run shall find again. It is the caller's to remove; without it the run has a folder that `stop` removes. */
  readonly folder?: string;
  readonly cwd?: string;
  /** Run this in place of the repository's own launcher, for example one that was installed from a package. */
  readonly command?: string;
  /** Run the launcher under this program: `['setpriv', '--reuid', '1000']`, `['prlimit', '--nofile=64']`. It must `exec`. */
  readonly under?: readonly string[];
}

export interface RunningAgent extends Omit<Daemon, 'stop' | 'kill'> {
  readonly folder: string;
  readonly confFile: string;
  /** Resolves once every component runs. Without monitoring: once the log says that the agent runs. */
  ready(timeoutMs?: number): Promise<void>;
  /** Port on which a component (`r1`) listens, from the log. */
  port(component: string, timeoutMs?: number): Promise<number>;
  monitoringPort(timeoutMs?: number): Promise<number>;
  /** One GET of the monitoring server. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  metrics(): Promise<FlumeMetrics>;
  health(): Promise<HealthAnswer>;
  /** Waits until an attribute of a component (`SINK.k1`) satisfies `wanted` and resolves with it; without `wanted`, once it is there. */
  counter(component: string, attribute: string, wanted?: (count: number) => boolean, timeoutMs?: number): Promise<number>;
  /** Replaces the configuration file by renaming a finished one over it. */
  rewrite(conf: string): Promise<void>;
  /** SIGTERM, then SIGKILL after `patienceMs`. Resolves with the exit status (`null` after a signal). Safe to call again. */
  stop(patienceMs?: number): Promise<number | null>;
  /** SIGKILL, as a power cut of the process would be. The folder stays if the caller gave it. */
  kill(): Promise<void>;
}

/** Starts the agent; does not wait for it. What is given wrongly shows in its `lines` and in `ended`. */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'millrace-test-')));
  await mkdir(folder, { recursive: true });
  const confFile = join(folder, 'agent.conf');
  const rewrite = (conf: string): Promise<void> => replaceFile(confFile, conf.replaceAll('@FOLDER@', folder));
  await rewrite(options.conf);
  const daemon = startDaemon(launch(options, confFile, folder));
  const monitored = options.monitoring !== false;
  const monitoringPort = (timeoutMs = 15_000): Promise<number> => portIn(daemon, MONITORING_LINE, timeoutMs);
  const get = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${await monitoringPort()}${path}`, { headers: { connection: 'close', ...headers } });
  const metrics = async (): Promise<FlumeMetrics> => (await (await get('/metrics')).json()) as FlumeMetrics;
  const tidy = async (): Promise<void> => {
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  return {
    ...daemon,
    folder,
    confFile,
    rewrite,
    monitoringPort,
    get,
    metrics,
    ready: (timeoutMs = 20_000) => (monitored ? untilReady(daemon, get, timeoutMs) : untilRunning(daemon, timeoutMs)),
    port: (component, timeoutMs = 15_000) => portIn(daemon, endpointLine(component), timeoutMs),
    async health() {
      const answer = await get('/health');
      return { statusCode: answer.status, body: (await answer.json()) as HealthAnswer['body'] };
    },
    counter: (component, attribute, wanted = (count) => !Number.isNaN(count), timeoutMs = 20_000) =>
      probe(daemon, `${component} ${attribute} as wanted`, timeoutMs, async () => {
        const all = await metrics();
        const count = Number(all[component]?.[attribute] ?? Number.NaN);
        return wanted(count) ? count : fail(`it is ${count}; all: ${JSON.stringify(all)}`);
      }),
    async stop(patienceMs) {
      await daemon.stop(patienceMs);
      await tidy();
      return daemon.ended;
    },
    async kill() {
      await daemon.kill();
      await tidy();
    },
  };
}

/** Runs any command of the launcher to its end: `runMillrace(['check', file])`. */
export async function runMillrace(
  args: readonly string[],
  options: Pick<AgentOptions, 'env' | 'cwd' | 'command' | 'under'> = {},
  timeoutMs = 30_000,
): Promise<{ readonly status: number | null; readonly lines: readonly string[] }> {
  const daemon = startDaemon({ ...commandLine(options, args), ...(options.cwd !== undefined && { cwd: options.cwd }), env: environment(options) });
  const patience = setTimeout(() => void daemon.kill(), timeoutMs);
  try {
    return { status: await daemon.ended, lines: daemon.lines };
  } finally {
    clearTimeout(patience);
  }
}

/** The only places that know how the agent's log words what a test has to find in it. */
const MONITORING_LINE = /monitoring listens\b.*?(?:\]|\d):(\d+)/;
const RUNNING_LINE = /agent runs\b/;
function endpointLine(component: string): RegExp {
  const name = component.replace(/[^\w]/g, '\\$&');
  return new RegExp(`[\\s.]${name}\\s+listens\\b.*?(?:\\]|\\d):(\\d+)\\b`);
}

function launch(options: AgentOptions, confFile: string, folder: string): Parameters<typeof startDaemon>[0] {
  const properties: Record<string, string> = {
    ...(options.monitoring !== false && { 'flume.monitoring.type': 'http', 'flume.monitoring.port': '0' }),
    // Not into the home directory of whoever runs the tests.
    'millrace.dead.letters': join(folder, 'dead-letters'),
    ...options.properties,
  };
  const args = [
    'agent',
    '--conf',
    folder,
    '--conf-file',
    confFile,
    '--name',
    options.agent ?? 'a1',
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    ...(options.args ?? []),
  ];
  return { ...commandLine(options, args), cwd: options.cwd ?? folder, env: environment(options) };
}

function commandLine(options: Pick<AgentOptions, 'command' | 'under'>, args: readonly string[]): { command: string; args: string[] } {
  const command = options.command ?? join(root, 'bin', 'millrace');
  const [program, ...before] = [...(options.under ?? []), command];
  return { command: program, args: [...before, ...args] };
}

/** The sources are what is tested, unless the test brings its own launcher or says `MILLRACE_DEV=`. */
function environment(options: Pick<AgentOptions, 'env' | 'command'>): Record<string, string> {
  return { ...(options.command === undefined && { MILLRACE_DEV: '1' }), NO_COLOR: '1', ...options.env };
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

async function portIn(daemon: Daemon, pattern: RegExp, timeoutMs: number): Promise<number> {
  return probe(daemon, `a line like ${pattern}`, timeoutMs, () => {
    const port = daemon.lines.map((line) => pattern.exec(line)?.[1]).find((found) => found !== undefined);
    return port === undefined ? fail('no line yet') : Number(port);
  });
}

async function untilRunning(daemon: Daemon, timeoutMs: number): Promise<void> {
  await probe(daemon, `a line like ${RUNNING_LINE}`, timeoutMs, () => daemon.lines.some((line) => RUNNING_LINE.test(line)) || fail('no line yet'));
}

async function untilReady(daemon: Daemon, get: (path: string) => Promise<Response>, timeoutMs: number): Promise<void> {
  await probe(daemon, '/ready to answer 200', timeoutMs, async () => {
    const answer = await get('/ready');
    const text = await answer.text();
    if (answer.status !== 200) fail(`${answer.status} ${text}`);
  });
}

/** Asks again until `ask` no longer throws. Fails at once when the agent has ended, and shows what it said last. */
async function probe<T>(daemon: Daemon, what: string, timeoutMs: number, ask: () => Promise<T> | T): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const running = daemon.running();
    try {
      return await ask();
    } catch (error) {
      if (running && Date.now() < deadline) {
        await sleep(20);
        continue;
      }
      const why = running ? `waited ${timeoutMs} ms in vain for ${what}` : `the agent ended before there was ${what}`;
      throw new Error(`${why}; its last lines were:\n${daemon.lines.slice(-40).join('\n')}`, { cause: error });
    }
  }
}

function fail(reason: string): never {
  throw new Error(reason);
}
