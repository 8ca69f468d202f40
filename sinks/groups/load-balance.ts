import type { SinkProcessor, SinkProcessorContext } from '../../core/component.ts';
import { define, type Finding } from '../../core/define.ts';
import { describeError, isAbort } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { boolean, choice, integer } from '../../core/options.ts';
import { Exclusion } from './exclusion.ts';
import { TurnOrder } from './turn-order.ts';

const DEFAULT_TIME_OUT_MS = 30_000;

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
  readonly exclusion: Exclusion;
}

/**
 * Each batch goes to the next member; if it throws, to the ones after it. `now` is a clock in milliseconds that never goes back.
 */
export class LoadBalanceProcessor implements SinkProcessor {
  readonly #members: readonly Member[];
  readonly #turns: TurnOrder;
  readonly #backoff: boolean;
  readonly #log: Logger;
  readonly #now: () => number;

  constructor(context: SinkProcessorContext, settings: LoadBalanceSettings, now: () => number = () => performance.now()) {
    const longestMs = settings['selector.maxTimeOut'] || DEFAULT_TIME_OUT_MS;
    this.#members = context.members.map((name) => ({ name, exclusion: new Exclusion(longestMs) }));
    this.#turns = new TurnOrder(settings.selector === 'random');
    this.#backoff = settings.backoff;
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
    const usable = this.#backoff ? this.#members.filter(({ exclusion }) => exclusion.isOver(now)) : this.#members;
    return this.#turns.order(usable);
  }

  #fails(member: Member, error: unknown): void {
    if (this.#backoff) member.exclusion.failed(this.#now());
    this.#log.warn('sink of the group failed; the next one is tried', {
      sink: member.name,
      reason: describeError(error),
    });
  }
}

function tooFew(members: readonly string[]): readonly Finding[] {
  if (members.length >= 2) return [];
  return [{ option: 'type', effect: 'drop', sentence: `needs at least two sinks in the group, not ${members.length}` }];
}
