/**
 * What planning hands on: the agents of a configuration, with all their options read, and the problems found on the way. Nothing here
 * is created or opened yet; `build.ts` does that.
 */
import type { Kind } from '../../core/component.ts';
import type { AnyDefinition } from '../../core/define.ts';
import type { Registry } from '../../core/registry.ts';

/** Where something stands in a configuration. Lines and columns count from 1, columns and lengths in UTF-16 units. */
export interface Place {
  /** As it was named to the agent: a path or a URI. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

export type Severity = 'error' | 'warning';

/** One finding about a configuration. Neither `sentence` nor `hint` ever holds a secret. */
export interface Problem {
  /** A row of the catalogue: `M012`. */
  readonly code: string;
  readonly severity: Severity;
  /** The agent it belongs to; absent for what concerns a whole file. */
  readonly agent?: string;
  readonly place?: Place;
  readonly sentence: string;
  /** What was meant, or what to do; printed below the caret. */
  readonly hint?: string;
  /** The other place, for what contradicts itself in two of them. */
  readonly other?: Place;
  /** The line holds a secret and is not shown. */
  readonly hideLine?: boolean;
}

/** A definition chosen by a `type`, and the values of its options. `values` is what its `create` takes. */
export interface PlannedPart<K extends Kind> {
  readonly definition: AnyDefinition<K>;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface PlannedComponent<K extends Kind> extends PlannedPart<K> {
  /** As configured: `r1`. */
  readonly name: string;
  /** Of its `type`, where there is one. */
  readonly place?: Place;
  /**
   * Its effective properties, sorted by key, one `key=value` a line with both escaped: two components with equal texts are the same.
   * Holds secrets: compare it, never print it.
   */
  readonly canonical: string;
}

export interface PlannedInterceptor extends PlannedPart<'interceptor'> {
  readonly name: string;
}

export interface PlannedSource extends PlannedComponent<'source'> {
  /** Its channels that stay, in the order of the file. */
  readonly channels: readonly string[];
  readonly selector: PlannedPart<'selector'>;
  readonly interceptors: readonly PlannedInterceptor[];
  /** `backoffSleepIncrement` and `maxBackoffSleep`, for sources that are polled. */
  readonly backoff: { readonly incrementMs: number; readonly maxMs: number };
}

export interface PlannedSink extends PlannedComponent<'sink'> {
  readonly channel: string;
}

export interface PlannedGroup extends PlannedPart<'sink processor'> {
  readonly name: string;
  /** Its sinks that stay, in the order of the file. */
  readonly members: readonly string[];
  readonly place?: Place;
  readonly canonical: string;
}

/** What `check --as-flume` reports as dropped. */
export interface Dropped {
  /** `source r1`, `sink k1`, `channel c1`, `sinkgroup g1`, or `agent a1`. */
  readonly component: string;
  readonly reason: string;
}

/** What Flume 1.11 makes of an agent: runs all of it, runs a part, runs nothing and stays up, or ends at once. */
export type Verdict = 'ok' | 'degraded' | 'idle' | 'refuses';

export interface AgentPlan {
  readonly name: string;
  readonly sources: readonly PlannedSource[];
  readonly channels: readonly PlannedComponent<'channel'>[];
  readonly sinks: readonly PlannedSink[];
  readonly groups: readonly PlannedGroup[];
  readonly verdict: Verdict;
  readonly dropped: readonly Dropped[];
  /** Why the agent would not start at all. */
  readonly fatal?: string;
}

export interface Plan {
  readonly agents: readonly AgentPlan[];
  readonly problems: readonly Problem[];
  /** Texts that must never be printed: values of secret options and keys, what config filters gave, logins in addresses. */
  readonly secrets: ReadonlySet<string>;
}

/** The types that there are, plug-ins included. */
export interface Registries {
  readonly sources: Registry<'source'>;
  readonly channels: Registry<'channel'>;
  readonly sinks: Registry<'sink'>;
  readonly interceptors: Registry<'interceptor'>;
  readonly selectors: Registry<'selector'>;
  readonly sinkProcessors: Registry<'sink processor'>;
  readonly configFilters: Registry<'config filter'>;
}

/**
 * `flume`: exactly what Flume 1.11 does, for its verdict and for `--lenient`. `millrace`: the deliberate differences apply (see
 * `docs/flume-differences.md`).
 */
export type Rules = 'millrace' | 'flume';
