import type { Batch } from '../../core/batch.ts';
import type { Channel, ChannelStatus, Description, GroupPosition, Transaction } from '../../core/component.ts';
import { AgentError } from '../../core/errors.ts';
import type { Component } from './component.ts';

/**
 * A channel as sources and sinks hold it: the running product of its component, whichever that is at the moment, with Flume's counters
 * kept around it. While the channel does not run, puts and takes fail with the reason.
 */
export class ChannelHandle implements Channel {
  readonly component: Component<Channel>;
  #openPuts = 0;
  #progressMs = 0;

  constructor(component: Component<Channel>) {
    this.component = component;
  }

  get transactionCapacity(): number {
    return this.#running().transactionCapacity;
  }

  get durable(): boolean {
    return this.component.product?.durable ?? false;
  }

  get commitsGroups(): boolean {
    return this.component.product?.commitsGroups ?? false;
  }

  async start(): Promise<void> {
    await this.component.start();
  }

  async stop(): Promise<void> {
    await this.component.stop();
  }

  put(batch: Batch, signal: AbortSignal, group?: GroupPosition): Promise<void> {
    const { component } = this;
    if (!component.product) return Promise.reject(this.#notRunning());
    component.count('EventPutAttemptCount', batch.size);
    if (this.#openPuts++ === 0) this.#progressMs = performance.now();
    const settled = (): void => {
      this.#openPuts--;
      this.#progressMs = performance.now();
    };
    return component.product.put(batch, signal, group).then(
      () => {
        settled();
        component.count('EventPutSuccessCount', batch.size);
      },
      (error: unknown) => {
        settled();
        throw error;
      },
    );
  }

  /** `performance.now()` of the last outcome of a put, where puts wait although there is room for events. */
  get waitingSinceMs(): number | undefined {
    const { size, capacity } = this.status();
    return this.#openPuts > 0 && (capacity === 0 || size < capacity) ? this.#progressMs : undefined;
  }

  async take(max: number, signal: AbortSignal): Promise<Transaction | undefined> {
    const { component } = this;
    const transaction = await this.#running().take(max, signal);
    if (!transaction) return undefined;
    component.count('EventTakeAttemptCount', transaction.batch.size);
    return {
      batch: transaction.batch,
      ...(transaction.origin && { origin: transaction.origin }),
      ...(transaction.group && { group: transaction.group }),
      async commit(released) {
        await transaction.commit(released);
        component.count('EventTakeSuccessCount', transaction.batch.size);
      },
      rollback: () => transaction.rollback(),
    };
  }

  status(): ChannelStatus {
    return this.component.product?.status() ?? { size: 0, capacity: 0, byteLength: 0 };
  }

  describe(): Description {
    return this.component.product?.describe?.() ?? {};
  }

  #running(): Channel {
    if (!this.component.product) throw this.#notRunning();
    return this.component.product;
  }

  #notRunning(): AgentError {
    const { id } = this.component.spec;
    return new AgentError('M105', `channel ${id} does not run: ${this.component.reason ?? this.component.state}`);
  }
}
