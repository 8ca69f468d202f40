import type { SinkProcessor, SinkProcessorContext } from '../../core/component.ts';
import { define, type Finding } from '../../core/define.ts';
import { describeError, isAbort } from '../../core/errors.ts';
import { hashOrder, parseJavaInteger } from '../../core/java-values.ts';
import type { Logger } from '../../core/log.ts';
import { integer, prefix } from '../../core/options.ts';

const FIRST_PENALTY_MS = 1000;

export const failoverProcessor = define('sink processor', {
  types: ['failover', 'org.apache.flume.sink.FailoverSinkProcessor'],
  summary: 'Hands everything to the best sink of the group that works.',
  options: {
    'priority.*': prefix({
      doc: 'Priority of a sink, a whole number: the larger is preferred. Sinks without one come last.',
    }),
    maxpenalty: integer({
      default: 30_000,
      min: 0,
      unreadable: 'warn',
      outside: 'refuse',
      doc: 'Longest time, in milliseconds, that a failed sink is left alone: 2 s after its first failure, then twice as long each time.',
    }),
  },
  check: ({ 'priority.*': priorities }) => unreadable(priorities),
  checkNames: ({ 'priority.*': priorities }, members) => [...strangers(priorities, members), ...neverUsed(priorities, members)],
  create: (context, values) => new FailoverProcessor(context, values),
});

interface FailoverSettings {
  readonly 'priority.*': ReadonlyMap<string, string>;
  readonly maxpenalty: number;
}

type Offer = Parameters<SinkProcessor['process']>[0];

interface Member {
  readonly name: string;
  /** Failures since it last worked. */
  failures: number;
  /** By the clock: not offered anything before. */
  retryMs: number;
}

/**
 * The best live member gets the batch. One that throws is left alone for a growing time, and is then tried before the live ones, as Flume
 * does; only its own success takes it back. `now` is a clock in milliseconds that never goes back.
 */
export class FailoverProcessor implements SinkProcessor {
  readonly #maxPenaltyMs: number;
  readonly #log: Logger;
  readonly #now: () => number;
  /** All members that are ever used, best first. */
  readonly #ranked: readonly Member[];
  readonly #failed = new Set<Member>();
  #lastError: unknown;

  constructor(context: SinkProcessorContext, settings: FailoverSettings, now: () => number = () => performance.now()) {
    this.#maxPenaltyMs = settings.maxpenalty;
    this.#log = context.log;
    this.#now = now;
    this.#ranked = ranked(settings['priority.*'], context.members).used.map(({ name }) => ({ name, failures: 0, retryMs: 0 }));
  }

  async process(offer: Offer, signal: AbortSignal): Promise<boolean> {
    let idle = false;
    for (const member of this.#due()) {
      const moved = await this.#offer(member, offer, signal);
      if (moved) {
        this.#works(member);
        return true;
      }
      // Its channel had nothing, so it is still unknown whether it works; the live ones are not kept waiting for that.
      if (moved === false) idle = true;
    }
    for (const member of this.#ranked) {
      if (this.#failed.has(member)) continue;
      const moved = await this.#offer(member, offer, signal);
      if (moved !== undefined) return moved;
    }
    if (idle) return false;
    throw new Error('all sinks of the group have failed; each is tried again after its pause', { cause: this.#lastError });
  }

  /** Failed members whose time has come, the one that waits longest first. */
  #due(): readonly Member[] {
    const now = this.#now();
    return [...this.#failed].filter(({ retryMs }) => retryMs < now).sort((a, b) => a.retryMs - b.retryMs);
  }

  /** What the offer resolved to; `undefined` if the member failed. */
  async #offer(member: Member, offer: Offer, signal: AbortSignal): Promise<boolean | undefined> {
    try {
      return await offer(member.name);
    } catch (error) {
      if (signal.aborted || isAbort(error)) throw error;
      this.#fails(member, error);
      return undefined;
    }
  }

  #works(member: Member): void {
    this.#failed.delete(member);
    member.failures = 0;
    this.#log.info('sink works again and takes its place in the group', { sink: member.name });
  }

  #fails(member: Member, error: unknown): void {
    member.failures++;
    const penaltyMs = Math.min(this.#maxPenaltyMs, 2 ** member.failures * FIRST_PENALTY_MS);
    member.retryMs = this.#now() + penaltyMs;
    this.#lastError = error;
    this.#failed.add(member);
    this.#log.warn('sink of the group failed and is left alone for a while', {
      sink: member.name,
      failures: member.failures,
      pauseMs: penaltyMs,
      reason: describeError(error),
    });
  }
}

interface Rank {
  readonly name: string;
  readonly priority: number;
}

/** Members by priority, best first. Of several with one priority Flume uses the first in its hash order; the others are `unused`. */
function ranked(priorities: ReadonlyMap<string, string>, members: readonly string[]): { used: Rank[]; unused: [Rank, Rank][] } {
  const used = new Map<number, Rank>();
  const unused: [Rank, Rank][] = [];
  let without = 0;
  for (const name of hashOrder(members)) {
    const priority = parseJavaInteger(priorities.get(name) ?? '') ?? --without;
    const rank = { name, priority };
    const other = used.get(priority);
    if (other) unused.push([rank, other]);
    else used.set(priority, rank);
  }
  return { used: [...used.values()].sort((a, b) => b.priority - a.priority), unused };
}

function unreadable(priorities: ReadonlyMap<string, string>): readonly Finding[] {
  return [...priorities]
    .filter(([, text]) => parseJavaInteger(text) === undefined)
    .map(([name]) => ({
      option: `priority.${name}`,
      effect: 'warn',
      sentence: 'is not a whole number of 32 bits; the sink comes last',
    }));
}

function strangers(priorities: ReadonlyMap<string, string>, members: readonly string[]): readonly Finding[] {
  return [...priorities.keys()]
    .filter((name) => !members.includes(name))
    .map((name) => ({ option: `priority.${name}`, effect: 'warn', sentence: `has no effect: "${name}" is not a sink of the group` }));
}

function neverUsed(priorities: ReadonlyMap<string, string>, members: readonly string[]): readonly Finding[] {
  return ranked(priorities, members).unused.map(([rank, other]) => ({
    option: `priority.${rank.name}`,
    effect: 'warn',
    sentence: `equals that of "${other.name}", so "${rank.name}" is never used`,
  }));
}
