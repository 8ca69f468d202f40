import { Producer } from '@platformatic/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from './ledger.ts';
import type { Way } from './referee.ts';

const TICK_MS = 5;
const MOST_AT_ONCE = 500;

/** Writes events to a topic, round the partitions, each batch until the brokers acknowledge it; a batch without an answer is sent again. */
export class KafkaWriter implements Way {
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #partitions: number;
  #turn = 0;
  #stopped = false;
  readonly connections = 0;
  readonly refusals: string[] = [];

  constructor(brokers: string, topic: string, partitions: number) {
    this.#producer = new Producer({ clientId: 'referee', bootstrapBrokers: brokers.split(','), idempotent: true, retries: 2, retryDelay: 200, requestTimeout: 5000 });
    this.#topic = topic;
    this.#partitions = partitions;
  }

  async run(ledger: Ledger): Promise<void> {
    while (!this.#stopped && !ledger.isDone) if (!(await this.#write(ledger))) await sleep(TICK_MS);
    await this.#producer.close(true).catch(() => undefined);
  }

  stop(): void {
    this.#stopped = true;
  }

  async #write(ledger: Ledger): Promise<boolean> {
    const numbers: number[] = [];
    for (let number = ledger.take(); number !== undefined; number = ledger.take()) {
      numbers.push(number);
      if (numbers.length === MOST_AT_ONCE) break;
    }
    if (numbers.length === 0) return false;
    const messages = numbers.map((number) => ({ topic: this.#topic, partition: this.#turn++ % this.#partitions, value: ledger.bodies.bodyOf(ledger.index, number) }));
    try {
      await this.#producer.send({ messages, acks: -1 });
      for (const number of numbers) ledger.acknowledge(number);
    } catch (error) {
      if (this.refusals.length < 100) this.refusals.push(String(error));
      ledger.sendAgain(numbers);
      await sleep(TICK_MS);
    }
    return true;
  }
}
