import type { AgentMetrics, ComponentMetrics } from '../core/metrics.ts';
import { flumeJson } from './flume-json.ts';
import { PROMETHEUS_CONTENT_TYPE, prometheusText } from './prometheus.ts';

export interface Question {
  readonly method: string;
  /** As in the first line of the request, with its query. */
  readonly target: string;
  readonly accept: string;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface Surroundings {
  readonly metrics: AgentMetrics;
  readonly format: 'json' | 'prometheus';
  /** Takes secrets out of a reason. */
  readonly redact?: (text: string) => string;
}

const JSON_TYPE = 'application/json;charset=utf-8';
const TEXT_TYPE = 'text/plain;charset=utf-8';
/** What Flume answers at `/`. */
const FRONT_PAGE = 'For Flume metrics please click <a href = "./metrics"> here</a>.';
const LONGEST_REASON = 500;

/**
 * What one request is answered with. `/`, `/metrics`, the 404 and the 403 are Flume's (HTTPMetricsServer); `/metrics/prometheus`, `/health`
 * and `/ready` are ours.
 */
export function answerTo({ method, target, accept }: Question, { metrics, format, redact }: Surroundings): Answer {
  if (method === 'TRACE' || method === 'OPTIONS') {
    return text(403, '');
  }
  switch (pathOf(target)) {
    case '/':
      return { status: 200, contentType: 'text/html;charset=utf-8', body: FRONT_PAGE };
    case '/metrics':
      return format === 'prometheus' || asksForPrometheus(accept)
        ? { status: 200, contentType: PROMETHEUS_CONTENT_TYPE, body: prometheusText(metrics) }
        : { status: 200, contentType: JSON_TYPE, body: flumeJson(metrics.components()) };
    case '/metrics/prometheus':
      return { status: 200, contentType: PROMETHEUS_CONTENT_TYPE, body: prometheusText(metrics) };
    case '/health':
      return health(metrics, redact);
    case '/ready':
      return ready(metrics, redact);
    default:
      return text(404, 'Nothing here. There are /metrics, /metrics/prometheus, /health, /ready, /status and /channels.\n');
  }
}

export function json(status: number, value: object): Answer {
  return { status, contentType: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}

export function text(status: number, body: string): Answer {
  return { status, contentType: TEXT_TYPE, body };
}

/** 200 for as long as the process can answer; what does not run is told, not punished: a restart of the process would not mend it. */
function health(metrics: AgentMetrics, redact: Surroundings['redact']): Answer {
  const components = metrics.components();
  const status = components.every(runs) ? 'ok' : 'degraded';
  return json(200, { status, agent: metrics.agent, components: components.map((component) => describe(metrics.agent, component, redact)) });
}

/** 200 once every component runs; else 503 with those that do not, and why. */
function ready(metrics: AgentMetrics, redact: Surroundings['redact']): Answer {
  const components = metrics.components();
  const waiting = components.filter((component) => !runs(component));
  // An agent without components does nothing: nobody should send it anything.
  const isReady = waiting.length === 0 && components.length > 0;
  return json(isReady ? 200 : 503, {
    status: isReady ? 'ready' : 'not ready',
    agent: metrics.agent,
    components: waiting.map((component) => describe(metrics.agent, component, redact)),
  });
}

/** A component for those who ask how it does. */
export function describe(agent: string, { kind, name, type, state, reason }: ComponentMetrics, redact: Surroundings['redact']): object {
  const why = reason === undefined ? undefined : (redact?.(reason) ?? reason).slice(0, LONGEST_REASON);
  return { component: `${agent}.${kind}s.${name}`, kind, type, state, ...(why !== undefined && { reason: why }) };
}

function runs({ state }: ComponentMetrics): boolean {
  return state === 'running';
}


/** Without scheme, host, parameters and query, decoded and in lower case: as Flume's server finds `/metrics`. */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[;?#].*$/s, '');
  try {
    return path === '' ? '/' : decodeURIComponent(path).toLowerCase();
  } catch {
    return path;
  }
}

/** What Prometheus sends and no browser, curl or Flume tool does. */
function asksForPrometheus(accept: string): boolean {
  return /text\/plain\s*;[^,]*version=|application\/openmetrics-text/i.test(accept);
}
