import type { AgentMetrics } from '../core/metrics.ts';
import { describe, json, text, type Answer } from './answers.ts';
import { refusalOf, type Asker } from './channels.ts';

/** What is known of an agent besides its components. */
export interface StatusFacts {
  readonly version: string;
  /** The last warnings and errors as lines, the oldest first, without secrets. */
  recent(): readonly string[];
}

export interface StatusSurroundings {
  readonly metrics: AgentMetrics;
  readonly status?: StatusFacts;
  /** Takes secrets out of a reason. */
  readonly redact?: (text: string) => string;
}

/** Whether a path is that of the status. */
export function isAboutStatus(target: string): boolean {
  return /^\/status(?:[?#]|$)/.test(target);
}

/** What `millrace status` shows. Lines of the log may quote what was sent to the agent, so that this machine only is told. */
export function statusAnswer(asker: Asker, { metrics, status, redact }: StatusSurroundings): Answer {
  const refusal = refusalOf(asker, 'The status is');
  if (refusal !== undefined) return text(403, refusal);
  const components = metrics.components().map((component) => ({
    ...describe(metrics.agent, component, redact),
    name: component.name,
    counters: Object.fromEntries(component.counters),
    ...(component.channel !== undefined && { channel: component.channel }),
  }));
  return json(200, {
    agent: metrics.agent,
    version: status?.version ?? '',
    pid: process.pid,
    now: Date.now(),
    since: Math.round(Date.now() - process.uptime() * 1000),
    memory: process.memoryUsage.rss(),
    components,
    recent: status?.recent() ?? [],
  });
}
