import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { AgentIo } from '../command-line/types.ts';
import type { DeadLetterSettings } from '../dead-letters/settings.ts';
import { AgentDeadLetters } from './dead-letters.ts';
import { drawAgent } from './picture.ts';
import type { AgentPlan } from '../plan/types.ts';
import { ReloadWatch } from './reload-watch.ts';
import { Supervisor, type StopReport } from './supervisor.ts';
import type { Surroundings } from './surroundings.ts';

/** A configuration as it was read: what to run, or why not. */
export interface LoadedConfiguration {
  /** Absent: nothing of it can run, and `report` says why. */
  readonly plan?: AgentPlan;
  /** Problems as `check` prints them; empty if there are none. */
  readonly report: string;
  readonly errors: number;
  readonly warnings: number;
  /** Texts that must never be printed. */
  readonly secrets: ReadonlySet<string>;
}

export interface ConfigurationLoader {
  readonly files: readonly string[];
  /** Reads and plans the configuration. A configuration that cannot be read is one with errors. */
  load(): Promise<LoadedConfiguration>;
  /** A text that changes when the configuration does, without reading more than is needed. */
  look(): Promise<string>;
}

export interface RunningOptions {
  readonly agent: string;
  readonly version: string;
  readonly io: AgentIo;
  readonly loader: ConfigurationLoader;
  /** Negative: never. */
  readonly reloadEveryMs: number;
  readonly stopTimeoutMs: number;
  readonly deadLetters: DeadLetterSettings;
  /** What the start-up picture tells people to try besides what the components say. */
  readonly tries?: readonly string[];
  /** Told when the configuration is read again, when that has its outcome, and when the agent begins to stop. */
  readonly moved?: (to: 'reloading' | 'reloaded' | 'stopping') => void;
}

/** What a stop may take beyond its time-out, for closing what is open. */
const CLOSE_MS = 3000;
const SETTLE_MS = 1000;
const LOST = {
  Capacity: 'the dead letters have no room for them (millrace.dead.letters.maxBytes)',
  Age: 'as dead letters they were too old (millrace.dead.letters.maxDays)',
  Size: 'one is larger than all dead letters may be (millrace.dead.letters.maxBytes)',
  Disabled: 'there are no dead letters (millrace.dead.letters=off)',
} as const;

/** An agent from its first plan to its end. */
export class RunningAgent {
  readonly supervisor: Supervisor;
  readonly #options: RunningOptions;
  readonly #log: Logger;
  /** Events that nobody accepts. */
  readonly deadLetters: AgentDeadLetters;
  readonly #watch: ReloadWatch;
  #ended: (status: number) => void = () => undefined;
  /** Resolves with the exit status. */
  readonly ended = new Promise<number>((resolve) => (this.#ended = resolve));
  #stopping: Promise<void> | undefined;
  #plan: AgentPlan | undefined;

  constructor(options: RunningOptions) {
    this.#options = options;
    this.#log = options.io.log.logger(options.agent);
    this.deadLetters = new AgentDeadLetters({
      ...options.deadLetters,
      mask: (text) => options.io.log.mask(text),
      lost: (component, events, why) => {
        this.#log.error(`events that nobody accepted are lost: ${LOST[why]}`, { component, events });
        this.supervisor.count(component, `DeadLetterLost${why}Count`, events);
      },
    });
    const surroundings: Surroundings = {
      logger: (component) => options.io.log.logger(component),
      setAside: (component, batch, reason, details) => this.deadLetters.write(component, batch, reason, details),
      fatal: (error) => this.fatal(error),
    };
    this.supervisor = new Supervisor(options.agent, surroundings);
    this.#watch = new ReloadWatch({
      everyMs: options.reloadEveryMs,
      settleMs: SETTLE_MS,
      look: () => options.loader.look(),
      reload: () =>
        this.#reload()
          .catch((error: unknown) => {
            this.#log.error('reload failed; what it had not come to runs on, and the next change is taken', { reason: describeError(error) });
          })
          .finally(() => options.moved?.('reloaded')),
    });
  }

  /** Starts everything; resolves once it runs. `seen` is what the loader's `look` answered before it loaded the plan. */
  async start(plan: AgentPlan, seen: string): Promise<void> {
    this.#plan = plan;
    await this.supervisor.apply(plan);
    this.deadLetters.start();
    if (!this.#stopping) this.#watch.start(seen);
  }

  /** Tells what runs; the last thing of a start. */
  announce(monitoring: string | undefined): void {
    if (!this.#plan || this.#stopping) return;
    const plan = this.#plan;
    this.#log.info('agent runs', { components: this.supervisor.components().length });
    const { version, loader, tries = [] } = this.#options;
    const extras = { version, files: loader.files, deadLetters: this.deadLetters.place, tries };
    const picture = drawAgent(plan, this.supervisor, { ...extras, ...(monitoring !== undefined && { monitoring }) });
    const { log, out } = this.#options.io;
    // It holds reasons of failures, and neither way out looks for secrets.
    const shown = log.mask(picture);
    if (log.toConsole) out(`\n${shown}\n`);
    else for (const line of shown.trimEnd().split('\n')) this.#log.event(line);
  }

  /** Reads the configuration again soon. */
  reload(): void {
    if (!this.#stopping) this.#watch.request();
  }

  /** Ends at once if the agent is stopping already: somebody is losing patience. Otherwise stops in order. */
  interrupt(status: number): void {
    if (!this.#stopping) return this.stop();
    this.#log.warn('interrupted while it stopped: the agent ends at once');
    this.#tellLost(this.supervisor.volatileEvents());
    this.#ended(status);
  }

  /** Stops in order, once, however often it is asked to. */
  stop(): void {
    this.#stopping ??= this.#stop().then(
      () => this.#ended(0),
      (error: unknown) => {
        this.#log.error('agent did not stop cleanly', { reason: describeError(error) });
        this.#ended(1);
      },
    );
  }

  /** A broken invariant: what is durable is recovered at the next start. */
  fatal(error: Error): void {
    this.#log.error('broken invariant: this is a fault of Millrace; the agent ends', { stack: error.stack });
    this.#ended(70);
  }

  async #stop(): Promise<void> {
    const { stopTimeoutMs } = this.#options;
    this.#options.moved?.('stopping');
    this.#log.info('agent stops: sources first, then what channels in memory hold is drained', { atMostMs: stopTimeoutMs });
    const deadline = sleep(stopTimeoutMs + CLOSE_MS, 'late' as const, { ref: false });
    const stopped = Promise.all([this.#watch.stop(), this.supervisor.stop(stopTimeoutMs)]);
    const outcome = await Promise.race([stopped, deadline]);
    await Promise.race([this.deadLetters.close(), deadline]);
    if (outcome === 'late') {
      this.#tellLost(this.supervisor.volatileEvents());
      this.#log.warn('components did not stop in time and are left behind', { waitedMs: stopTimeoutMs + CLOSE_MS });
      return;
    }
    this.#tellLost(outcome[1].left);
    this.#log.info('agent stopped', { eventsLost: outcome[1].left.reduce((sum, { events }) => sum + events, 0) });
  }

  #tellLost(left: StopReport['left']): void {
    for (const { channel, events } of left) {
      // The name stands in the sentence, so that the log takes no channel for a repetition of another one.
      this.#log.error(`events in memory of channel ${channel} are lost: they were not drained in time`, { channel, events });
    }
  }

  async #reload(): Promise<void> {
    this.#options.moved?.('reloading');
    const loaded = await this.#options.loader.load();
    this.#options.io.log.hide(loaded.secrets);
    if (!loaded.plan) {
      this.#log.error('the changed configuration cannot run; the agent goes on with the one it has', { errors: loaded.errors });
      for (const line of loaded.report.trimEnd().split('\n')) this.#log.event(line);
      return;
    }
    if (this.#stopping) return;
    if (loaded.report) for (const line of loaded.report.trimEnd().split('\n')) this.#log.event(line);
    this.#plan = loaded.plan;
    const changed = await this.supervisor.apply(loaded.plan);
    if (changed.length === 0) this.#log.info('configuration read again: nothing has changed for this agent');
    else this.#log.info('changed configuration runs', { changed: changed.join(', ') });
  }
}
