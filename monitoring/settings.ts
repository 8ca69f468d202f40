/** What Flume listens on when nothing else is said. */
const DEFAULT_PORT = 41414;
const DEFAULT_HOST = '127.0.0.1';

export interface MonitoringSettings {
  /** Flume binds every address; we bind loopback unless `flume.monitoring.host` says otherwise. */
  readonly host: string;
  readonly port: number;
  /** What `/metrics` answers to whoever does not ask for a format. */
  readonly format: 'json' | 'prometheus';
}

export interface MonitoringChoice {
  /** Absent: nothing is to be served. */
  readonly settings?: MonitoringSettings;
  /** Why what was asked for is not served. The agent logs it as an error and goes on, as Flume does. */
  readonly problem?: string;
}

/** Reads `flume.monitoring.*` (Flume: MonitoringType, HTTPMetricsServer). */
export function readMonitoringSettings(properties: ReadonlyMap<string, string>): MonitoringChoice {
  const type = properties.get('flume.monitoring.type');
  if (type === undefined) return {};
  const kind = type.toLowerCase();
  if (kind === 'ganglia') {
    return { problem: 'flume.monitoring.type=ganglia is a reporter that Millrace does not have yet; use http, which Prometheus can read as well' };
  }
  if (kind !== 'http' && kind !== 'prometheus') {
    return { problem: `flume.monitoring.type=${type} is no reporter that Millrace has; use http` };
  }
  const text = properties.get('flume.monitoring.port') ?? String(DEFAULT_PORT);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) {
    return { problem: `flume.monitoring.port=${text} is not a port from 0 to 65535; metrics are not served` };
  }
  const host = properties.get('flume.monitoring.host') || DEFAULT_HOST;
  return { settings: { host, port, format: kind === 'http' ? 'json' : 'prometheus' } };
}
