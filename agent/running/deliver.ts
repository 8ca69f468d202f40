import type { Batch } from '../../core/batch.ts';
import type { Channel, DeliverOptions, GroupPosition, Interceptor, Route, Selector } from '../../core/component.ts';
import { describeError, isAbort, RejectedError, TooLargeError, type RejectionDetail } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { Backoff } from '../../io/backoff.ts';

/** Pauses between puts that wait for a channel which is full or failing. */
const RETRY = { firstMs: 50, mostMs: 2000 };

export interface DeliveryParts {
  readonly interceptors: readonly Interceptor[];
  readonly selector: Selector;
  /** The source's channels by name. */
  readonly channels: ReadonlyMap<string, Channel>;
  readonly log: Logger;
  /** Aborts what waits when the source stops. */
  readonly signal: AbortSignal;
  /** Sets events aside that can never be stored. */
  setAside(batch: Batch, reason: string, details?: readonly RejectionDetail[]): Promise<void>;
  count(counter: string, amount: number): void;
}

/** The way of a batch from a source to its channels: interceptors, selector, one put per route, all at once. */
export class Delivery {
  readonly #parts: DeliveryParts;
  /** Most events that every channel of the source takes in one put. */
  readonly batchLimit: number;
  /** Per channel, the last of the batches that wait to be put again. */
  readonly #held = new Map<string, Promise<void>>();

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.batchLimit = Math.min(...[...parts.channels.values()].map((channel) => channel.transactionCapacity));
  }

  /** See SourceContext.deliver. */
  deliver(batch: Batch, options: DeliverOptions = {}): Promise<void> {
    return this.#deliver(batch, 0, options);
  }

  /** From interceptor number `first` on. */
  #deliver(batch: Batch, first: number, options: DeliverOptions): Promise<void> {
    const { interceptors } = this.#parts;
    let kept: Batch = batch;
    let at = first;
    try {
      for (; at < interceptors.length; at++) {
        kept = (interceptors[at] as Interceptor).intercept(kept);
        if (kept.size === 0) return DELIVERED;
      }
      const routes = this.#parts.selector.route(kept);
      const [only] = routes;
      if (only && routes.length === 1 && !only.optional) return this.#putRequired(only, options);
      return this.#putAll(routes, kept.size, withoutGroup(options));
    } catch (error) {
      if (error instanceof RejectedError && at < interceptors.length) return this.#deliverOthers(kept, at, error, options);
      return Promise.reject(error);
    }
  }

  /** Sets aside what an interceptor can make nothing of, as it came to it; the others go on from there. */
  async #deliverOthers(batch: Batch, at: number, error: RejectedError, options: DeliverOptions): Promise<void> {
    const rejected = new Set(error.indices);
    const others = Array.from({ length: batch.size }, (_, index) => index).filter((index) => !rejected.has(index));
    if (others.length === batch.size) throw error;
    const events = batch.select(Uint32Array.from(error.indices));
    this.#parts.count('EventRejectedCount', events.size);
    this.#parts.log.error('interceptor rejected events for good; they are set aside', { events: events.size, reason: error.message });
    await this.#parts.setAside(events, error.message, error.details);
    if (others.length > 0) await this.#deliver(batch.select(Uint32Array.from(others)), at, options);
  }

  async #putAll(routes: readonly Route[], size: number, options: DeliverOptions): Promise<void> {
    if (routes.length === 0) {
      this.#parts.count('EventUnroutedCount', size);
      this.#parts.log.warn('events match no channel of the selector and are dropped', { events: size });
      return;
    }
    const required = routes.filter(({ optional }) => !optional);
    if (options.wait) await allSettled(required.map((route) => this.#putRequired(route, options)));
    // Whoever is told of a failure sends again, and would double the events in every channel behind the one that failed.
    else for (const route of required) await this.#putRequired(route, options);
    await Promise.all(routes.filter(({ optional }) => optional).map((route) => this.#putOptional(route)));
  }

  #putRequired(route: Route, options: DeliverOptions): Promise<void> {
    const channel = this.#channel(route.channel);
    if (route.batch.size > channel.transactionCapacity) return this.#putPieces(route, channel.transactionCapacity, options);
    if (options.group && channel.commitsGroups) return this.#putWithGroup(route, channel, options.group, options);
    if (options.wait && this.#held.has(route.channel)) return this.#hold(route, options);
    return channel.put(route.batch, this.#parts.signal).catch((error: unknown) => this.#failed(route, error, options));
  }

  /** Too large a batch goes in pieces, none of which knows of the position. */
  #putWithGroup(route: Route, channel: Channel, group: GroupPosition, options: DeliverOptions): Promise<void> {
    return channel.put(route.batch, this.#parts.signal, group).then(
      () => options.committed?.(),
      (error: unknown) => {
        if (error instanceof TooLargeError) return this.#putHalves(route, error, withoutGroup(options));
        throw error;
      },
    );
  }

  async #putPieces(route: Route, pieceSize: number, options: DeliverOptions): Promise<void> {
    const pieces: Promise<void>[] = [];
    for (let from = 0; from < route.batch.size; from += pieceSize) {
      const batch = route.batch.slice(from, Math.min(from + pieceSize, route.batch.size));
      pieces.push(this.#putRequired({ ...route, batch }, withoutGroup(options)));
    }
    await allSettled(pieces);
  }

  async #failed(route: Route, error: unknown, options: DeliverOptions): Promise<void> {
    if (error instanceof TooLargeError) return this.#putHalves(route, error, options);
    if (!options.wait || isAbort(error) || this.#parts.signal.aborted) throw error;
    return this.#hold(route, options, error);
  }

  /** One half after the other, which keeps the order, down to the single event that does not fit. */
  async #putHalves(route: Route, error: TooLargeError, options: DeliverOptions): Promise<void> {
    const { batch, channel } = route;
    const middle = Math.floor(batch.size / 2);
    if (middle === 0) {
      this.#parts.count('EventRejectedCount', 1);
      this.#parts.log.error('event does not fit into its channel and is set aside', { channel, reason: error.message });
      return this.#parts.setAside(batch, error.message);
    }
    await this.#putRequired({ ...route, batch: batch.slice(0, middle) }, options);
    await this.#putRequired({ ...route, batch: batch.slice(middle, batch.size) }, options);
  }

  /** Puts again until it works, behind everything that is held for the same channel already: the order of the events stays. */
  #hold(route: Route, options: DeliverOptions, error?: unknown): Promise<void> {
    const before = this.#held.get(route.channel) ?? DELIVERED;
    const held = before.then(() => this.#putAgain(route, options, error));
    this.#held.set(route.channel, held);
    const done = (): void => {
      if (this.#held.get(route.channel) === held) this.#held.delete(route.channel);
    };
    held.then(done, done);
    return held;
  }

  async #putAgain(route: Route, options: DeliverOptions, first: unknown): Promise<void> {
    const { log, signal } = this.#parts;
    const channel = this.#channel(route.channel);
    const backoff = new Backoff({ ...RETRY, mostMs: options.longestPauseMs ?? RETRY.mostMs });
    for (let error = first; ; ) {
      if (error !== undefined) {
        options.refused?.(error);
        const reason = describeError(error);
        log.warn('channel does not take events; the source waits', { channel: route.channel, events: route.batch.size, reason });
        await backoff.pause(signal);
      }
      try {
        return await channel.put(route.batch, signal);
      } catch (next) {
        if (isAbort(next) || signal.aborted) throw next;
        error = next;
      }
    }
  }

  async #putOptional(route: Route): Promise<void> {
    try {
      await this.#putRequired(route, {});
    } catch (error) {
      if (isAbort(error)) return;
      this.#parts.count('EventOptionalDroppedCount', route.batch.size);
      this.#parts.log.warn('optional channel did not take events; they are dropped there', {
        channel: route.channel,
        events: route.batch.size,
        reason: describeError(error),
      });
    }
  }

  #channel(name: string): Channel {
    const channel = this.#parts.channels.get(name);
    if (!channel) throw new Error(`the selector chose channel "${name}", which is not one of the source's channels`);
    return channel;
  }
}

const DELIVERED = Promise.resolve();

function withoutGroup(options: DeliverOptions): DeliverOptions {
  const { group, ...others } = options;
  return group ? others : options;
}

/** Waits for all of them, then throws the first failure. */
async function allSettled(promises: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) if (result.status === 'rejected') throw result.reason;
}
