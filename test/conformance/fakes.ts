/** Contexts and helpers for tests of single components. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Batch } from '../../core/batch.ts';
import type { Channel, Context, DeliverOptions, SourceContext } from '../../core/component.ts';
import type { AnyDefinition, Definition } from '../../core/define.ts';
import type { LogFacts, Logger } from '../../core/log.ts';
import { readOptions } from '../../core/read-options.ts';

export interface LoggedLine {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly sentence: string;
  readonly facts: LogFacts;
}

export class FakeLog implements Logger {
  readonly lines: LoggedLine[] = [];
  readonly events: string[] = [];
  /** Set to make the log one whose reader takes nothing. */
  room: Promise<void> = Promise.resolve();

  error(sentence: string, facts: LogFacts = {}): void {
    this.lines.push({ level: 'error', sentence, facts });
  }

  warn(sentence: string, facts: LogFacts = {}): void {
    this.lines.push({ level: 'warn', sentence, facts });
  }

  info(sentence: string, facts: LogFacts = {}): void {
    this.lines.push({ level: 'info', sentence, facts });
  }

  debug(sentence: string, facts: LogFacts = {}): void {
    this.lines.push({ level: 'debug', sentence, facts });
  }

  event(line: string): void {
    this.events.push(line);
  }

  ready(): Promise<void> {
    return this.room;
  }

  /** Sentences of warnings and errors. */
  get complaints(): string[] {
    return this.lines.filter(({ level }) => level === 'warn' || level === 'error').map(({ sentence }) => sentence);
  }
}

export class FakeContext implements Context {
  readonly name = 'a1.test.t1';
  readonly log = new FakeLog();
  readonly counters = new Map<string, number>();
  readonly failures: Error[] = [];

  count(counter: string, amount: number): void {
    this.counters.set(counter, (this.counters.get(counter) ?? 0) + amount);
  }

  fail(error: Error): void {
    this.failures.push(error);
  }

  counted(counter: string): number {
    return this.counters.get(counter) ?? 0;
  }
}

/** Keeps what is delivered. `answer` decides, batch by batch, how a delivery ends; without it all succeed. */
export class FakeSourceContext extends FakeContext implements SourceContext {
  batchLimit = 100;
  readonly delivered: Batch[] = [];
  readonly options: (DeliverOptions | undefined)[] = [];
  answer: (batch: Batch, call: number) => Promise<void> = () => Promise.resolve();

  deliver(batch: Batch, options?: DeliverOptions): Promise<void> {
    this.options.push(options);
    this.delivered.push(batch);
    return this.answer(batch, this.delivered.length);
  }

  /** Bodies of all that was delivered, stored or not. */
  get bodies(): string[] {
    return this.delivered.flatMap(bodiesOf);
  }
}

export function bodiesOf(batch: Batch): string[] {
  return Array.from({ length: batch.size }, (_, index) => batch.body(index).toString());
}

export function batchOf(...bodies: readonly string[]): Batch {
  return Batch.of(bodies.map((body) => ({ body: Buffer.from(body), headers: new Map() })));
}

/** Reads options as from a file and creates the product; throws with every problem that stands in the way. */
export function create<D extends AnyDefinition>(definition: D, properties: Record<string, string>, context: unknown): ReturnType<NonNullable<D['create']>> {
  const { values, problems } = readOptions(definition as unknown as Definition, new Map(Object.entries(properties)));
  if (!values) throw new Error(problems.map(({ key, sentence }) => `${key} ${sentence}`).join('; '));
  return (definition.create as (context: unknown, values: unknown) => ReturnType<NonNullable<D['create']>>)(context, values);
}

/** Waits until `condition` holds. */
export async function eventually(condition: () => boolean, what: string, withinMs = 30_000): Promise<void> {
  const until = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > until) throw new Error(`never happened: ${what}`);
    await sleep(2);
  }
}

/** Whether `promise` is still open after everything that can happen without waiting has happened. */
export async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  let open = true;
  const settled = (): void => {
    open = false;
  };
  promise.then(settled, settled);
  await sleep(5);
  return open;
}

/** Takes what is there, up to `max`; undefined if there is nothing for 200 ms. */
export function takeNow(channel: Channel, max: number): ReturnType<Channel['take']> {
  return channel.take(max, AbortSignal.timeout(200));
}

export const never = new AbortController().signal;
