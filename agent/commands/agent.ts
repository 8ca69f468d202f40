import { join, resolve } from 'node:path';
import { describeError } from '../../core/errors.ts';
import { enableLinearRegexes } from '../../core/regex-guard.ts';
import { lookForHadoopSiteIn } from '../../io/hadoop-site.ts';
import type { Answer } from '../../monitoring/answers.ts';
import type { AgentArguments, AgentIo } from '../command-line/types.ts';
import { configurationLoader } from '../configuration/loader.ts';
import { ONLY_AGENT, onlyAgent } from '../configuration/only-agent.ts';
import { RunningAgent } from '../running/running-agent.ts';
import type { ServiceReports } from '../service/service-reports.ts';
import { home, readBuildFacts } from '../installation.ts';
import { readDeadLetterSettings } from '../dead-letters/settings.ts';

const DEFAULT_STOP_MS = 10_000;
/** Longer than any sink waits for its destination. */
const DEFAULT_STUCK_S = 300;
const FILE_POLL_S = 30;
const HTTP_POLL_S = 300;
/** `EX_CONFIG` of sysexits.h. */
const EX_CONFIG = 78;
/** What a shell answers for a process that SIGINT ended. */
const INTERRUPTED = 130;
/** Whoever runs it is looking around. */
const QUICKSTART = join(home, 'conf', 'quickstart.properties');
const DEMO = `${process.cwd() === home ? 'bin/' : ''}millrace demo    # an agent is killed with kill -9 ten times, then what is lost is counted`;

/** Runs an agent until a signal ends it. Resolves with the exit status: 0 stopped, 78 a configuration that cannot run, 70 a fault of ours. */
export async function runAgent(given: AgentArguments, io: AgentIo): Promise<number> {
  const args = await withName(given, io);
  if (!args) return EX_CONFIG;
  enableLinearRegexes();
  lookForHadoopSiteIn([args.confDirectory, ...args.classPath].filter((path) => path !== undefined));
  const loader = configurationLoader(args, io);
  const seen = await loader.look();
  const loaded = await loader.load();
  io.log.hide(loaded.secrets);
  if (loaded.report) io.err(loaded.report);
  if (!loaded.plan) return EX_CONFIG;
  const deadLetters = readDeadLetterSettings(args.name, io.systemProperties);
  for (const sentence of deadLetters.problems) io.err(`Warning: ${sentence}\n`);
  const service: { reports?: ServiceReports } = {};
  const agent = new RunningAgent({
    agent: args.name,
    version: readBuildFacts().version,
    io,
    loader,
    reloadEveryMs: reloadEveryMs(args),
    stopTimeoutMs: args.stopTimeoutMs ?? DEFAULT_STOP_MS,
    deadLetters: deadLetters.settings,
    tries: args.confFiles.some((path) => resolve(path) === QUICKSTART) ? [DEMO] : [],
    moved: (to) => service.reports?.[to](),
  });
  const reports = await reportToService(agent, args, io);
  if (reports) service.reports = reports;
  const release = handleSignals(agent);
  const monitoring = await startMonitoring(agent, args, io);
  try {
    agent.start(loaded.plan, seen).then(
      () => {
        reports?.started();
        agent.announce(monitoring.url());
      },
      (error: unknown) => agent.fatal(error instanceof Error ? error : new Error(String(error))),
    );
    return await agent.ended;
  } finally {
    release();
    reports?.close();
    await monitoring.stop();
  }
}

async function withName(args: AgentArguments, io: AgentIo): Promise<AgentArguments | undefined> {
  if (args.name !== ONLY_AGENT) return args;
  const found = await onlyAgent(args);
  if ('name' in found) return { ...args, name: found.name };
  io.err(`Error: ${found.fault}\n`);
  return undefined;
}

function handleSignals(agent: RunningAgent): () => void {
  const stop = (): void => agent.stop();
  const interrupt = (): void => agent.interrupt(INTERRUPTED);
  const reload = (): void => agent.reload();
  const broken = (error: unknown): void => agent.fatal(error instanceof Error ? error : new Error(String(error)));
  const handlers = [
    ['SIGTERM', stop],
    ['SIGINT', interrupt],
    ['SIGHUP', reload],
    ['uncaughtException', broken],
    ['unhandledRejection', broken],
  ] as const;
  for (const [event, handler] of handlers) process.on(event, handler);
  return () => {
    for (const [event, handler] of handlers) process.off(event, handler);
  };
}

/** Only where a service manager waits for word, so that nobody else pays for it. */
async function reportToService(agent: RunningAgent, args: AgentArguments, io: AgentIo): Promise<ServiceReports | undefined> {
  if (!io.env.get('NOTIFY_SOCKET')) return undefined;
  const [{ openServiceManager }, { ServiceReports }] = await Promise.all([import('../../io/service-manager.ts'), import('../service/service-reports.ts')]);
  const log = io.log.logger(`${args.name}.service`);
  const notify = await openServiceManager(io.env, (reason) => log.warn('koffi cannot be used', { reason }));
  if (!notify) return undefined;
  const watched = [undefined, String(process.pid)].includes(io.env.get('WATCHDOG_PID'));
  const watchdogMs = watched ? Number(io.env.get('WATCHDOG_USEC') ?? 0) / 1000 : 0;
  const stuckMs = 1000 * (Number(io.systemProperties.get('millrace.stuck.seconds')) || DEFAULT_STUCK_S);
  const service = new ServiceReports({ agent: agent.supervisor, notify, log, watchdogMs, stuckMs });
  service.start();
  return service;
}

interface RunningMonitoring {
  url(): string | undefined;
  stop(): Promise<void>;
}

async function startMonitoring(agent: RunningAgent, args: AgentArguments, io: AgentIo): Promise<RunningMonitoring> {
  const none: RunningMonitoring = { url: () => undefined, stop: async () => undefined };
  const { readMonitoringSettings } = await import('../../monitoring/settings.ts');
  const { settings, problem } = readMonitoringSettings(io.systemProperties);
  const log = io.log.logger(`${args.name}.monitoring`);
  if (problem !== undefined) log.error('no monitoring', { reason: problem });
  if (!settings) return none;
  try {
    const { Monitoring } = await import('../../monitoring/http.ts');
    const replay = async (request: string): Promise<Answer> => {
      const { status, ...answer } = await agent.deadLetters.replay(request, (name) => agent.supervisor.channel(name));
      return { status, contentType: 'application/json;charset=utf-8', body: `${JSON.stringify(answer)}\n` };
    };
    const status = { version: readBuildFacts().version, recent: () => io.log.recent() };
    const options = { ...settings, metrics: agent.supervisor, log, redact: (text: string) => io.log.mask(text), replay, status };
    const monitoring = new Monitoring(options);
    await monitoring.start();
    return {
      url: () => (monitoring.endpoint ? `http://${monitoring.endpoint.address}` : undefined),
      stop: () => monitoring.stop(),
    };
  } catch (error) {
    log.error('no monitoring', { reason: describeError(error) });
    return none;
  }
}

function reloadEveryMs(args: AgentArguments): number {
  if (!args.reload) return -1;
  const fallback = args.confUris.some((uri) => uri.startsWith('http')) ? HTTP_POLL_S : FILE_POLL_S;
  const seconds = args.pollIntervalSeconds ?? 0;
  return (seconds === 0 ? fallback : seconds) * 1000;
}

