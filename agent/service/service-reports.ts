import type { ComponentMetrics } from '../../core/metrics.ts';
import { inThousands } from '../../core/printable.ts';
import type { Logger } from '../../core/log.ts';
import type { Notify } from '../../io/service-manager.ts';

const TICK_MS = 500;
const STATUS_EVERY_MS = 2000;
/** How far each tick puts off the end of the manager's patience while stores are recovered or channels drained. */
const EXTENSION_US = 30_000_000;
/** systemd cuts longer ones. */
const MOST_STATUS = 400;

/** What the reports need to know of the agent. */
export interface ReportedAgent {
  components(): readonly ComponentMetrics[];
  /** Parts whose current step has taken longer than `limitMs`, as `sink k1 has been writing for 312 s`. */
  stuck(limitMs: number): readonly string[];
}

export interface ServiceOptions {
  readonly agent: ReportedAgent;
  readonly notify: Notify;
  readonly log: Logger;
  /** The manager's `WATCHDOG_USEC` in milliseconds; 0: it does not watch. */
  readonly watchdogMs: number;
  /** A step of the pipeline that takes longer is stuck. */
  readonly stuckMs: number;
}

/**
 * Keeps the service manager informed (sd_notify): ready once every component runs, a line of status, and a sign of life for as long as the
 * pipeline moves. An idle agent, and one whose targets take nothing, has nothing in hand that hangs; a part whose step never ends has, and
 * then the signs of life stop.
 */
export class ServiceReports {
  readonly #options: ServiceOptions;
  #timer: NodeJS.Timeout | undefined;
  #state: 'starting' | 'ready' | 'reloading' | 'stopping' = 'starting';
  #statusAt = -Infinity;
  #aliveAt = -Infinity;
  #before: { readonly at: number; readonly received: number; readonly delivered: number } | undefined;
  #stuckTold = '';

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  start(): void {
    const { watchdogMs } = this.#options;
    this.#timer = setInterval(() => this.#tick(), watchdogMs > 0 ? Math.min(TICK_MS, watchdogMs / 4) : TICK_MS);
    this.#timer.unref();
    this.#tick();
  }

  /** Everything was started: looks at once. */
  started(): void {
    this.#tick();
  }

  reloading(): void {
    if (this.#state !== 'ready') return;
    this.#state = 'reloading';
    this.#options.notify(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  /** The reload has its outcome. */
  reloaded(): void {
    if (this.#state !== 'reloading') return;
    this.#state = 'ready';
    this.#options.notify('READY=1');
  }

  stopping(): void {
    this.#state = 'stopping';
    this.#options.notify(`STOPPING=1\nSTATUS=stopping: draining channels\nEXTEND_TIMEOUT_USEC=${EXTENSION_US}`);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const { notify } = this.#options;
    const now = performance.now();
    const components = this.#options.agent.components();
    if (this.#state === 'starting') this.#lookForReadiness(components);
    else if (this.#state === 'stopping') notify(`EXTEND_TIMEOUT_USEC=${EXTENSION_US}`);
    if (this.#state !== 'stopping' && now - this.#statusAt >= STATUS_EVERY_MS) {
      this.#statusAt = now;
      notify(`STATUS=${this.#status(components, now)}`);
    }
    this.#showLife(now);
  }

  #lookForReadiness(components: readonly ComponentMetrics[]): void {
    if (components.length > 0 && components.every(({ state }) => state === 'running')) {
      this.#state = 'ready';
      this.#options.notify('READY=1');
      return;
    }
    // A store that is being recovered gets its time; what has failed does not.
    if (components.some(({ state }) => state === 'starting')) this.#options.notify(`EXTEND_TIMEOUT_USEC=${EXTENSION_US}`);
  }

  #showLife(now: number): void {
    const { agent, log, notify, stuckMs, watchdogMs } = this.#options;
    const stuck = agent.stuck(stuckMs).join('; ');
    if (stuck !== '' && this.#stuckTold === '') log.error('a part of the pipeline hangs; the service manager gets no more signs of life', { parts: stuck });
    this.#stuckTold = stuck;
    if (watchdogMs <= 0 || stuck !== '' || now - this.#aliveAt < watchdogMs / 3) return;
    this.#aliveAt = now;
    notify('WATCHDOG=1');
  }

  #status(components: readonly ComponentMetrics[], at: number): string {
    const broken = components.filter(({ state }) => state !== 'running');
    const parts = broken.map(({ kind, name, state, reason }) => `${kind} ${name} ${state}${reason === undefined ? '' : ` (${reason.split('\n')[0]})`}`);
    if (this.#stuckTold !== '') parts.unshift(this.#stuckTold);
    const received = sum(components, 'source', 'EventAcceptedCount');
    const delivered = sum(components, 'sink', 'EventDrainSuccessCount');
    const backlog = components.reduce((all, { channel }) => all + (channel?.size ?? 0), 0);
    if (this.#before) {
      const seconds = (at - this.#before.at) / 1000;
      // Counters begin anew with their component.
      const rate = (now: number, before: number): string => inThousands(Math.max(0, Math.round((now - before) / seconds)));
      parts.push(`${rate(received, this.#before.received)} events/s in, ${rate(delivered, this.#before.delivered)} out`);
    }
    this.#before = { at, received, delivered };
    parts.push(`${inThousands(backlog)} waiting`);
    return parts.join('; ').slice(0, MOST_STATUS);
  }
}

function sum(components: readonly ComponentMetrics[], kind: ComponentMetrics['kind'], counter: string): number {
  return components.reduce((all, component) => all + (component.kind === kind ? (component.counters.get(counter) ?? 0) : 0), 0);
}
