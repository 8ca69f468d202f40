/**
 * The outside referee: hands out numbered events whose body follows from the number, notes what was acknowledged to the senders, and
 * compares at the end with what came out: lost, duplicate, altered, invented, out of order, stalled. It believes nothing that the agent
 * says of itself. How to use it: README.md beside.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { randomOf, type Random } from '../../compat/random.ts';
import { Account, type Verdict } from './account.ts';
import type { Lengths } from './bodies.ts';
import type { Ledger, Pace } from './ledger.ts';

/** How events get to the agent: over a connection, into a file. One `Way` has one sender's numbers. */
export interface Way {
  /** Sends what `ledger.take()` gives and tells it what became of it; resolves once `ledger.isDone` and all is answered, or after `stop`. */
  run(ledger: Ledger): Promise<void>;
  /** Ends at once, whatever was not answered. */
  stop(): void;
  readonly connections: number;
  readonly refusals: readonly string[];
}

/** Where events come out. */
export interface Collector {
  /** Hands over what came since the last look. `again`: something that was seen is gone, so all has to be looked at anew. */
  look(account: Account): Promise<'more' | 'again'>;
  /** Begins anew with the next look. */
  reset(): void;
  /** Hands over what is no whole event. */
  finish(account: Account): void;
  stop(): Promise<void>;
}

export interface RefereeOptions {
  /** Of all that is random in the run; made up, and part of the report, unless given. */
  readonly seed?: number;
  readonly lengths?: Lengths;
}

export interface ConcludeOptions {
  /** So long nothing new may come out before the rest counts as stalled. */
  readonly stalledAfterMs?: number;
  /** Send one fresh event each, which must come out; true unless the senders cannot reach the agent any more. */
  readonly fresh?: boolean;
}

export interface Conclusion extends Verdict {
  readonly seed: number;
  readonly faults: readonly string[];
  /** A fresh event, or an answer, did not come within `stalledAfterMs` after everything else had come to rest. */
  readonly stalled: boolean;
  readonly seconds: number;
}

const LOOK_MS = 20;

export class Referee {
  readonly seed: number;
  readonly random: Random;
  readonly account: Account;
  readonly faults: string[] = [];
  readonly #senders: Sender[] = [];
  readonly #collectors: Collector[] = [];
  readonly #began = performance.now();
  #looking: Promise<void> = Promise.resolve();

  constructor({ seed = Math.floor(Math.random() * 2 ** 31), lengths = 'short' }: RefereeOptions = {}) {
    this.seed = seed;
    this.random = randomOf(seed);
    this.account = new Account(lengths);
  }

  /** Begins to send. */
  send(way: Way, pace: Pace = {}): Sender {
    const sender = new Sender(way, this.account.open(pace));
    this.#senders.push(sender);
    return sender;
  }

  collect(collector: Collector): void {
    this.#collectors.push(collector);
  }

  /** Notes a fault that is played now. */
  fault(text: string): void {
    this.faults.push(`${((performance.now() - this.#began) / 1000).toFixed(3)} s: ${text}`);
  }

  /** Takes in what came out so far. */
  async look(): Promise<Verdict> {
    await this.#lookOnce();
    return this.account.verdict();
  }

  /** Call it when the faults are over: waits for everything to come out, then stops and compares. */
  async conclude({ stalledAfterMs = 30_000, fresh = true }: ConcludeOptions = {}): Promise<Conclusion> {
    for (const { ledger } of this.#senders) ledger.close();
    const marks = fresh ? this.#senders.map(({ ledger }) => ({ ledger, number: ledger.addFresh() })) : [];
    const arrived = (): boolean => marks.every(({ ledger, number }) => ledger.seen.has(number)) && this.#senders.every(({ isDone }) => isDone || !fresh);
    let last = -1;
    let sinceMs = performance.now();
    for (;;) {
      await this.#lookOnce();
      const state = this.account.delivered + this.#senders.reduce((sum, { ledger }) => sum + ledger.acknowledged, 0);
      if (arrived() && this.account.missing === 0) break;
      if (state !== last) [last, sinceMs] = [state, performance.now()];
      if (performance.now() - sinceMs > stalledAfterMs) break;
      await sleep(LOOK_MS);
    }
    const stalled = fresh && !arrived();
    await Promise.all(this.#senders.map((sender) => sender.giveUp()));
    await this.#lookOnce();
    for (const collector of this.#collectors) {
      collector.finish(this.account);
      await collector.stop();
    }
    return { ...this.account.verdict(), seed: this.seed, faults: this.faults, stalled, seconds: (performance.now() - this.#began) / 1000 };
  }

  /** Ends the senders and the collectors without a verdict, where a test failed before. */
  async close(): Promise<void> {
    await Promise.all(this.#senders.map((sender) => sender.giveUp()));
    for (const collector of this.#collectors) await collector.stop();
  }

  /** One look at a time: two would see the same twice. */
  #lookOnce(): Promise<void> {
    this.#looking = this.#looking.catch(() => undefined).then(() => this.#lookNow());
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    for (let attempt = 0; attempt < 5; attempt++) {
      const answers: ('more' | 'again')[] = [];
      for (const collector of this.#collectors) answers.push(await collector.look(this.account));
      if (!answers.includes('again')) return;
      this.account.forgetSeen();
      for (const collector of this.#collectors) collector.reset();
    }
  }
}

/** One sender at work. */
export class Sender {
  readonly ledger: Ledger;
  readonly #way: Way;
  readonly #done: Promise<void>;
  isDone = false;

  constructor(way: Way, ledger: Ledger) {
    this.ledger = ledger;
    this.#way = way;
    this.#done = way.run(ledger).then(() => {
      this.isDone = true;
    });
    this.#done.catch(() => undefined);
  }

  get acknowledged(): number {
    return this.ledger.acknowledged;
  }

  get connections(): number {
    return this.#way.connections;
  }

  get refusals(): readonly string[] {
    return this.#way.refusals;
  }

  /** Makes no new numbers; resolves once every event was answered. */
  async finish(timeoutMs = 30_000): Promise<void> {
    this.ledger.close();
    const late = sleep(timeoutMs, undefined, { ref: false }).then(() => Promise.reject(new Error(`a sender got no answers in ${timeoutMs} ms: ${this.acknowledged} of ${this.ledger.next} events were acknowledged`)));
    await Promise.race([this.#done, late]);
  }

  /** Ends at once, whatever was not answered. */
  async giveUp(): Promise<void> {
    this.ledger.close();
    this.#way.stop();
    await this.#done;
  }
}

/** The verdict on a few lines, for people. */
export function reportOf(conclusion: Conclusion): string {
  const { seed, faults, examples, stalled, seconds, ...counts } = conclusion;
  const figures = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return [
    `seed ${seed}, ${seconds.toFixed(1)} s, ${faults.length} faults${stalled ? ', STALLED' : ''}`,
    figures.join(', '),
    ...examples.map((example) => `  ${example}`),
  ].join('\n');
}

/** What no fault excuses, in one object for a comparison with `CLEAN`. */
export function harmOf({ lost, altered, invented, outOfOrder, stalled }: Conclusion): Record<string, number | boolean> {
  return { lost, altered, invented, outOfOrder, stalled };
}

export const CLEAN = { lost: 0, altered: 0, invented: 0, outOfOrder: 0, stalled: false };
