import type { SinkProcessor, SinkProcessorContext } from '../../core/component.ts';
import { define, type Finding } from '../../core/define.ts';
import { describeError, isAbort } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { boolean, choice, integer } from '../../core/options.ts';

const DEFAULT_TIME_OUT_MS = 30_000;
const FIRST_EXCLUSION_MS = 1000;
const MOST_FAILURES = 16;
/** A sink that was left alone for this much longer than its exclusion starts again with the shortest one. */
const FORGIVEN_MS = 3_600_000;

export const loadBalanceProcessor = define('sink processor', {
  types: ['load_balance', 'org.apache.flume.sink.LoadBalancingSinkProcessor'],
  summary: 'Hands batches to the sinks of the group in turn or at random; the others stand in for one that fails.',
  options: {
    selector: choice({
      values: ['round_robin', 'random'],
      default: 'round_robin',
      doc: 'How the sink of a batch is chosen. A selector class of your own cannot be loaded.',
    }),
    backoff: boolean({ default: false, doc: 'Leave a sink that failed out for a time that grows with each failure.' }),
    'selector.maxTimeOut': integer({
      default: DEFAULT_TIME_OUT_MS,
      long: true,
      doc: 'Longest time, in milliseconds, that a failed sink is left out; 0: 30 s.',
    }),
  },
  checkNames: (_, members) => tooFew(members),
  create: (context, values) => {
    if (context.members.length < 2) throw new Error('a group of the type load_balance has at least two sinks');
    return new LoadBalanceProcessor(context, values);
  },
});

interface LoadBalanceSettings {
  readonly selector: 'round_robin' | 'random';
  readonly backoff: boolean;
  readonly 'selector.maxTimeOut': number;
}

interface Member {
  readonly name: string;
  failures: number;
  lastFailureMs: number;
  /** By the clock: left out until then. */
  restoreMs: number;
}

/**
 * Each batch goes to the next member; if it throws, to the ones after it. With `backoff`, success does not shorten the next exclusion,
 * only a long time without failures does. `now` is a clock in milliseconds that never goes back.
 */
export class LoadBalanceProcessor implements SinkProcessor {
  readonly #members: readonly Member[];
  readonly #random: boolean;
  readonly #backoff: boolean;
  readonly #maxTimeOutMs: number;
  readonly #log: Logger;
  readonly #now: () => number;
  #next = 0;

  constructor(context: SinkProcessorContext, settings: LoadBalanceSettings, now: () => number = () => performance.now()) {
    this.#members = context.members.map((name) => ({
      name,
      failures: 0,
      lastFailureMs: -Infinity,
      restoreMs: -Infinity,
    }));
    this.#random = settings.selector === 'random';
    this.#backoff = settings.backoff;
    this.#maxTimeOutMs = settings['selector.maxTimeOut'] || DEFAULT_TIME_OUT_MS;
    this.#log = context.log;
    this.#now = now;
  }

  async process(offer: (member: string) => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    let last: unknown;
    for (const member of this.#order()) {
      try {
        return await offer(member.name);
      } catch (error) {
        if (signal.aborted || isAbort(error)) throw error;
        last = error;
        this.#fails(member, error);
      }
    }
    if (last === undefined) throw new Error('all sinks of the group have failed and are left out for a while');
    throw new Error('all sinks of the group that may be used have failed', { cause: last });
  }

  /** The usable members in the order in which this batch is offered to them. */
  #order(): readonly Member[] {
    const now = this.#now();
    const usable = this.#backoff ? this.#members.filter(({ restoreMs }) => restoreMs < now) : this.#members;
    if (this.#random) return shuffled(usable);
    if (this.#next >= usable.length) this.#next = 0;
    const start = this.#next;
    this.#next = start + 1 >= usable.length ? 0 : start + 1;
    return start === 0 ? usable : [...usable.slice(start), ...usable.slice(0, start)];
  }

  #fails(member: Member, error: unknown): void {
    if (this.#backoff) this.#exclude(member);
    this.#log.warn('sink of the group failed; the next one is tried', {
      sink: member.name,
      reason: describeError(error),
    });
  }

  #exclude(member: Member): void {
    const now = this.#now();
    const forgivenMs = this.#exclusionMs(member.failures) + FORGIVEN_MS;
    member.failures = now - member.lastFailureMs < forgivenMs ? Math.min(member.failures + 1, MOST_FAILURES) : 1;
    member.lastFailureMs = now;
    member.restoreMs = now + this.#exclusionMs(member.failures);
  }

  #exclusionMs(failures: number): number {
    return Math.min(this.#maxTimeOutMs, FIRST_EXCLUSION_MS * 2 ** failures);
  }
}

function shuffled(members: readonly Member[]): readonly Member[] {
  const order = [...members];
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [order[at], order[other]] = [order[other] as Member, order[at] as Member];
  }
  return order;
}

function tooFew(members: readonly string[]): readonly Finding[] {
  if (members.length >= 2) return [];
  return [{ option: 'type', effect: 'drop', sentence: `needs at least two sinks in the group, not ${members.length}` }];
}
