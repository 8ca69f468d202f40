import type { Kind, Kinds } from './component.ts';
import type { BadValue, Effect, Option } from './options.ts';

export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** What `create` gets: a value for each option of the table. */
export type Values<O extends OptionTable> = { readonly [name in keyof O]: O[name] extends Option<infer T> ? T : never };

/** A fault that no single value shows. `option` is the one to point at. */
export interface Finding extends BadValue {
  readonly option: string;
}

/** All that the agent, `help` and the docs know about one type. `Kinds` maps a kind to its context and its product. */
export interface Definition<K extends Kind = Kind, O extends OptionTable = OptionTable> {
  readonly kind: K;
  /** Accepted for `type`; the first is shown. Short names ignore case, class names do not. Flume's class names are among them. */
  readonly types: readonly [string, ...string[]];
  readonly summary: string;
  readonly options: O;
  /** Faults between options. Called only when every value could be read. The sentence completes "capacity …". */
  check?(values: Values<O>): readonly Finding[];
  /**
   * Faults that show only beside the names the component works with: the channels of its source (selectors), the members of its group
   * (sink processors). Called once those are settled. `option` is the whole key, for example `mapping.eu`.
   */
  checkNames?(values: Values<O>, names: readonly string[]): readonly Finding[];
  /**
   * Options that name a file which has to be readable when the component is created: Flume 1.11 opens it while it configures the
   * component, and drops the component otherwise. Whoever may do I/O looks.
   */
  readableFiles?(values: Values<O>): readonly (keyof O & string)[];
  /** Option that holds the events per transaction, for the check against the capacity of a channel's transaction (sources, sinks). */
  readonly batchSizeOption?: keyof O & string;
  /** Option that holds the capacity of a transaction (channels). */
  readonly transactionCapacityOption?: keyof O & string;
  /** What Flume 1.11 does with the type where that is not "loads it and reads the options as they stand here". */
  readonly flume?: FlumeFacts;
  /** Absent: a Flume type that Millrace does not have yet. */
  create?(
    context: Kinds[K]['context'],
    values: Values<O>,
  ): Kinds[K]['product'] | Promise<Kinds[K]['product']>;
}

export interface FlumeFacts {
  /** Class that cannot be loaded in a plain Flume 1.11, so that the agent does not start; empty where Flume has no such type. */
  readonly notLoadable?: string;
  /** Why Flume 1.11 drops every component of this type, although we run it. */
  readonly alwaysDropped?: string;
  /** The sink does not count whether its batches were full (`BatchCompleteCount`, `BatchUnderflowCount`). */
  readonly batchesNotCounted?: boolean;
  /** The type is polled: it has `backoffSleepIncrement` and `maxBackoffSleep`. */
  readonly polled?: boolean;
}

/** A definition whose table is not known to whoever holds it. */
export type AnyDefinition<K extends Kind = Kind> = {
  readonly [P in keyof Definition<K>]: P extends 'create' | 'check' | 'checkNames' | 'readableFiles' ? unknown : Definition<K>[P];
} & {
  check?(values: never): readonly Finding[];
  checkNames?(values: never, names: readonly string[]): readonly Finding[];
  readableFiles?(values: never): readonly string[];
  create?(context: Kinds[K]['context'], values: never): Kinds[K]['product'] | Promise<Kinds[K]['product']>;
};

/** Makes a definition; only here for its types. */
export function define<K extends Kind, const O extends OptionTable>(
  kind: K,
  definition: Omit<Definition<K, O>, 'kind'>,
): Definition<K, O> {
  return { kind, ...definition };
}

/** A fault of one component's properties. `key` is relative to the component: `batchSize`, `serializer.syncIntervalBytes`. */
export interface OptionProblem {
  readonly key: string;
  readonly effect: Effect;
  /** What is wrong: `unknown`, `missing`, `bad` value, `conflict` between values, a key `without effect`. */
  readonly fault: 'unknown' | 'missing' | 'bad' | 'conflict' | 'without effect';
  readonly sentence: string;
  /** Keys that may have been meant, best first, for an unknown one. */
  readonly known?: readonly string[];
}

export interface OptionReading<O extends OptionTable> {
  /** Absent if a problem stands in the way of creating the component. */
  readonly values?: Values<O>;
  readonly problems: readonly OptionProblem[];
}
