import type { Sink, SinkProcessor } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { Backoff } from '../../io/backoff.ts';
import { FairLoop } from '../../io/event-loop.ts';
import type { ChannelHandle } from './channel-handle.ts';
import { aborted, type Component } from './component.ts';
import { SINK_RETRY, SinkRunner } from './sink-runner.ts';
import type { Surroundings } from './surroundings.ts';

/** Longest that a group whose members have several channels waits at one of them. */
const MEMBER_WAIT_MS = 500;
/** How long a write may go on once the loop is to stop, before its events go back to the channel. */
const WRITE_GRACE_MS = 1000;

export interface SinkMember {
  readonly countsBatches: boolean;
  readonly component: Component<Sink>;
  readonly channel: ChannelHandle;
}

/** Drives one sink, or the members of one group, until it is stopped: one batch at a time. */
export class SinkLoop {
  readonly channels: readonly ChannelHandle[];
  readonly #members: ReadonlyMap<string, { readonly component: Component<Sink>; readonly runner: SinkRunner }>;
  readonly #processor: SinkProcessor;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  /** Present during the pause after a failure; cuts it short. */
  #pause: AbortController | undefined;
  #tried: () => void = () => undefined;

  constructor(members: ReadonlyMap<string, SinkMember>, processor: SinkProcessor, log: Logger, surroundings: Surroundings) {
    this.channels = [...new Set([...members.values()].map(({ channel }) => channel))];
    this.#members = new Map(
      [...members].map(([id, member]) => [id, { component: member.component, runner: runnerOf(member, surroundings) }]),
    );
    this.#processor = processor;
    this.#log = log;
  }

  /** Names of members, and since when each has been writing (`performance.now()`). */
  get writing(): readonly { readonly name: string; readonly sinceMs: number }[] {
    return [...this.#members].flatMap(([name, { runner }]) => (runner.busySinceMs === undefined ? [] : [{ name, sinceMs: runner.busySinceMs }]));
  }

  start(): void {
    this.#loop ??= this.#run(this.#stopping.signal);
  }

  /** Cuts the pause after a failure short. Resolves once the attempt that follows has its outcome; at once where there was no pause. */
  async tryNow(): Promise<void> {
    if (!this.#pause) return;
    const tried = new Promise<void>((resolve) => (this.#tried = resolve));
    this.#pause.abort();
    await tried;
  }

  /** Takes nothing more; what is being written goes back if the sink does not finish it soon. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const late = setTimeout(() => {
      for (const { runner } of this.#members.values()) runner.giveUp();
    }, WRITE_GRACE_MS);
    await this.#loop;
    clearTimeout(late);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(SINK_RETRY);
    const fairLoop = new FairLoop();
    const moved = async (): Promise<void> => {
      backoff.succeeded();
      this.#tried();
      await fairLoop.makeRoom();
    };
    // The members of a group take turns: one batch each.
    const offer = (member: string): Promise<boolean> => this.#offer(member, signal, this.#members.size === 1 ? moved : undefined);
    while (!signal.aborted) {
      try {
        await this.#processor.process(offer, signal).finally(() => this.#tried());
        await moved();
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warn('events were not accepted; they are kept and offered again', {
          attempt: backoff.failures + 1,
          reason: describeError(error),
        });
        this.#pause = new AbortController();
        await backoff.pause(AbortSignal.any([signal, this.#pause.signal])).catch(() => undefined);
        this.#pause = undefined;
      }
    }
  }

  async #offer(id: string, signal: AbortSignal, moved?: () => Promise<void>): Promise<boolean> {
    const member = this.#members.get(id);
    if (!member) throw new Error(`the group has no sink "${id}"`);
    const sink = member.component.product ?? (await this.#whenRunning(member.component, signal));
    return member.runner.move(sink, signal, this.channels.length > 1 ? MEMBER_WAIT_MS : undefined, moved);
  }

  /** A single sink is waited for; a member of a group that does not run has failed, so that another one gets the events. */
  async #whenRunning(component: Component<Sink>, signal: AbortSignal): Promise<Sink> {
    if (this.#members.size > 1) {
      throw new Error(`sink ${component.spec.id} does not run: ${component.reason ?? component.state}`);
    }
    await Promise.race([component.running(signal), aborted(signal)]);
    signal.throwIfAborted();
    return component.product ?? this.#whenRunning(component, signal);
  }
}

/** For a sink that is in no group. */
export function alone(id: string): SinkProcessor {
  return { process: (offer) => offer(id) };
}

function runnerOf({ component, channel, countsBatches }: SinkMember, surroundings: Surroundings): SinkRunner {
  return new SinkRunner({
    channel,
    countsBatches,
    log: component.spec.log,
    count: (counter, amount) => component.count(counter, amount),
    setAside: (batch, reason, details) => surroundings.setAside(component.spec.name, batch, reason, details),
  });
}
