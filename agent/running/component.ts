import { setTimeout as sleep } from 'node:timers/promises';
import type { ChannelStatus, Context, Lifecycle } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { ComponentMetrics, ComponentState } from '../../core/metrics.ts';
import { Backoff } from '../../io/backoff.ts';

/** Pauses before a component that failed is created anew; Flume tries every 3 s. */
const RESTART = { firstMs: 1000, mostMs: 30_000 };
/** A component that ran for this long has recovered: its next failure is a first one. */
const RECOVERED_MS = 60_000;
/** Longest wait for `stop` of a component. */
const STOP_MS = 5000;

export interface ComponentSpec<P extends Lifecycle> {
  readonly kind: 'source' | 'channel' | 'sink';
  /** As in the file: `r1`. */
  readonly id: string;
  /** For the log: `a1.sources.r1`. */
  readonly name: string;
  readonly type: string;
  readonly log: Logger;
  /** May wait for what the component needs; `signal` aborts when it is to stop. */
  create(context: Context, signal: AbortSignal): P | Promise<P>;
  /** Called each time that the component has started. */
  started?(product: P): void;
  /** Work that goes on while the component runs, such as polling a source; ends once `signal` aborts, or before. */
  work?(product: P, signal: AbortSignal): Promise<void>;
  /** A broken invariant: the process is to end. */
  fatal(error: Error): void;
}

/** Keeps one component running: creates it, starts it, and does both again, after growing pauses, whenever it fails. */
export class Component<P extends Lifecycle> {
  readonly spec: ComponentSpec<P>;
  /** Present while the component runs. */
  product: P | undefined;
  readonly counters = new Map<string, number>();
  #state: ComponentState = 'waiting';
  #reason: string | undefined;
  #startTime = 0;
  #stopTime = 0;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #waiting: (() => void)[] = [];
  /** Present during the pause after a failure; cuts it short. */
  #pause: AbortController | undefined;

  constructor(spec: ComponentSpec<P>) {
    this.spec = spec;
  }

  get state(): ComponentState {
    return this.#state;
  }

  /** Why the component does not run; `undefined` while it does. */
  get reason(): string | undefined {
    return this.#reason;
  }

  count(counter: string, amount: number): void {
    this.counters.set(counter, (this.counters.get(counter) ?? 0) + amount);
  }

  /** Begins; resolves once the component runs or has failed for the first time. */
  start(): Promise<void> {
    this.#loop ??= this.#run();
    return this.#settled();
  }

  /** The running product; waits for it. Throws AbortError once `signal` aborts. */
  async running(signal: AbortSignal): Promise<P> {
    while (!this.product) {
      signal.throwIfAborted();
      await Promise.race([this.#changed(), aborted(signal)]);
    }
    return this.product;
  }

  /** Cuts the pause after a failure short. */
  tryNow(): void {
    this.#pause?.abort();
  }

  /** Stops for good; safe without `start`. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    this.#enter('stopped');
  }

  metrics(channel?: ChannelStatus): ComponentMetrics {
    return {
      kind: this.spec.kind,
      name: this.spec.id,
      type: this.spec.type,
      state: this.#state,
      ...(this.#reason !== undefined && { reason: this.#reason }),
      startTime: this.#startTime,
      stopTime: this.#stopTime,
      counters: this.counters,
      ...(channel && { channel }),
    };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff(RESTART);
    while (!signal.aborted) {
      const began = performance.now();
      const { error, ran } = await this.#runOnce(signal);
      if (signal.aborted || error === undefined) return;
      if (isAssertion(error)) return this.spec.fatal(error);
      if (performance.now() - began > RECOVERED_MS) backoff.succeeded();
      const pauseMs = backoff.nextMs();
      this.spec.log.error(ran ? 'component failed; it is started again' : 'component cannot start; it is tried again', {
        reason: this.#reason,
        inSeconds: Math.ceil(pauseMs / 1000),
      });
      this.#pause = new AbortController();
      await sleep(pauseMs, undefined, { signal: AbortSignal.any([signal, this.#pause.signal]) }).catch(() => undefined);
      this.#pause = undefined;
    }
  }

  /** From creation to stop. Resolves with what made it end, or `undefined` if it was to stop. */
  async #runOnce(stopping: AbortSignal): Promise<{ error: unknown; ran: boolean }> {
    const run = new AbortController();
    const onStop = (): void => run.abort();
    stopping.addEventListener('abort', onStop);
    let product: P | undefined;
    let work: Promise<void> | undefined;
    let failure: unknown;
    try {
      this.#enter('starting');
      let failed: (error: Error) => void = () => undefined;
      const failing = new Promise<never>((_resolve, reject) => (failed = reject));
      failing.catch(() => undefined);
      this.counters.clear();
      product = await this.#createUnlessAborted(failed, run.signal);
      await this.#startUnlessAborted(product, run.signal);
      this.#startTime = Date.now();
      this.#stopTime = 0;
      this.product = product;
      this.#enter('running');
      this.spec.started?.(product);
      work = this.spec.work?.(product, run.signal);
      const ended = aborted(run.signal);
      await Promise.race([work?.then(() => ended) ?? ended, ended, failing]);
    } catch (error) {
      if (!stopping.aborted) failure = error;
    }
    stopping.removeEventListener('abort', onStop);
    run.abort();
    this.#stopTime = Date.now();
    const ran = this.product !== undefined;
    if (failure !== undefined) this.#enter('failed', describeError(failure));
    await this.#end(product, work);
    this.product = undefined;
    return { error: failure, ran };
  }

  /** Throws once `signal` aborts, even if `create` does not end; what it makes after that is stopped. */
  async #createUnlessAborted(failed: (error: Error) => void, signal: AbortSignal): Promise<P> {
    const creating = Promise.resolve(this.spec.create(this.#context(failed), signal));
    await Promise.race([creating, aborted(signal)]);
    if (!signal.aborted) return creating;
    creating.then((late) => late.stop()).catch(() => undefined);
    throw signal.reason;
  }

  /** Throws once `signal` aborts, even if `start` does not end, so that neither a stop nor a reload waits for it. */
  async #startUnlessAborted(product: P, signal: AbortSignal): Promise<void> {
    const starting = product.start();
    await Promise.race([starting, aborted(signal)]);
    if (!signal.aborted) return;
    // The caller stops it now. What it opens after that is closed by a second stop.
    starting.then(() => product.stop()).catch(() => undefined);
    throw signal.reason;
  }

  async #end(product: P | undefined, work: Promise<void> | undefined): Promise<void> {
    const ended = Promise.all([
      work?.catch(() => undefined),
      product?.stop().catch((error: unknown) => {
        this.spec.log.warn('component did not stop cleanly', { reason: describeError(error) });
      }),
    ]);
    const timer = new AbortController();
    const late = sleep(STOP_MS, 'late', { signal: timer.signal }).catch(() => undefined);
    if ((await Promise.race([ended, late])) === 'late') {
      this.spec.log.warn('component does not stop; it is left behind', { waitedMs: STOP_MS });
    }
    timer.abort();
  }

  #context(failed: (error: Error) => void): Context {
    return {
      name: this.spec.name,
      log: this.spec.log,
      count: (counter, amount) => this.count(counter, amount),
      fail: failed,
    };
  }

  #enter(state: ComponentState, reason?: string): void {
    this.#state = state;
    this.#reason = reason;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #settled(): Promise<void> {
    while (this.#state === 'waiting' || this.#state === 'starting') await this.#changed();
  }
}

/** Resolves once `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** A broken invariant. Its class is not asked for: the module that has it costs memory in an agent that never needs it. */
function isAssertion(error: unknown): error is Error {
  return error instanceof Error && error.name === 'AssertionError';
}
