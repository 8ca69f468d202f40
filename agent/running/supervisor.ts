import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, Sink, SinkProcessor, Source } from '../../core/component.ts';
import type { Logger } from '../../core/log.ts';
import type { AgentMetrics, ComponentMetrics } from '../../core/metrics.ts';
import { ChannelHandle } from './channel-handle.ts';
import { Component } from './component.ts';
import { tellListeners } from './listeners.ts';
import { empty, moveEvents } from './move-events.ts';
import type { AgentPlan, PlannedComponent, PlannedGroup, PlannedSink, PlannedSource } from '../plan/types.ts';
import { alone, SinkLoop, type SinkMember } from './sink-loop.ts';
import { sourceUnit } from './source-unit.ts';
import type { Surroundings } from './surroundings.ts';

/** Longest that starting sinks keep the sources waiting. */
const SINK_START_MS = 2000;
/** Longest that a stop waits for the last try of sinks that were in a pause after a failure. */
const LAST_TRY_MS = 1000;
/** Longest that the sinks of a channel that a reload takes away may go on draining it. */
const DRAIN_MS = 5000;

interface Unit<T> {
  /** What it was built from: an equal text needs no new one. */
  readonly canonical: string;
  readonly part: T;
}

export interface StopReport {
  /** Events that channels in memory still held, and that are gone. */
  readonly left: readonly { readonly channel: string; readonly events: number }[];
}

/**
 * The running agent. Channels start first, then sinks, then sources; sources stop first, then sinks, then channels. Applying a new plan
 * replaces only what it changes.
 */
export class Supervisor implements AgentMetrics {
  readonly agent: string;
  readonly #surroundings: Surroundings;
  readonly #channels = new Map<string, Unit<ChannelHandle>>();
  readonly #sinks = new Map<string, Unit<SinkMember>>();
  readonly #loops = new Map<string, Unit<SinkLoop>>();
  readonly #sources = new Map<string, Unit<Component<Source>>>();
  #order: readonly string[] = [];
  #stopped = false;

  constructor(agent: string, surroundings: Surroundings) {
    this.agent = agent;
    this.#surroundings = surroundings;
  }

  /**
   * Runs this plan from now on. Resolves with what was started, stopped or replaced (`source r1`), once every component of it runs, or
   * has failed for the first time and is being retried. Calls must not overlap; after `stop` nothing is started any more.
   */
  async apply(plan: AgentPlan): Promise<readonly string[]> {
    const changes = this.#compare(plan);
    const before = new Set(this.#order);
    await this.#stopSources(changes.sources);
    await this.#drainRemoved(changes.channels, plan);
    await this.#stopLoops(changes.loops);
    await this.#stopSinks(changes.sinks);
    const old = await this.#takeOut(changes.channels);
    this.#order = [
      ...plan.sources.map(({ name }) => `source ${name}`),
      ...plan.channels.map(({ name }) => `channel ${name}`),
      ...plan.sinks.map(({ name }) => `sink ${name}`),
    ];
    await Promise.all(plan.channels.map((channel) => this.#startChannel(channel)));
    await Promise.race([Promise.all(plan.sinks.map((sink) => this.#startSink(sink))), sleep(SINK_START_MS, undefined, { ref: false })]);
    await this.#startLoops(plan);
    await Promise.all(old.map((handle) => this.#moveOut(handle)));
    await Promise.all(plan.sources.map((source) => this.#startSource(source)));
    return [
      ...changes.sources.map((name) => `source ${name}`),
      ...changes.channels.map((name) => `channel ${name}`),
      ...changes.sinks.map((name) => `sink ${name}`),
      ...changes.loops.filter((key) => key.startsWith('group ')),
      ...this.#order.filter((name) => !before.has(name)),
    ];
  }

  /** Stops sources, lets sinks drain what would be lost until `deadlineMs` have passed, then stops sinks and channels. */
  async stop(deadlineMs: number): Promise<StopReport> {
    this.#stopped = true;
    const deadline = performance.now() + deadlineMs;
    await this.#stopSources([...this.#sources.keys()]);
    const volatile = this.#handles().filter((handle) => !handle.durable);
    await Promise.all([this.#lastTry(Math.min(LAST_TRY_MS, deadlineMs)), empty(volatile, deadline)]);
    await this.#stopLoops([...this.#loops.keys()]);
    await this.#stopSinks([...this.#sinks.keys()]);
    const left = this.volatileEvents();
    await Promise.all(this.#handles().map((handle) => handle.stop()));
    return { left };
  }

  /** Channels in memory that hold events at this moment. */
  volatileEvents(): StopReport['left'] {
    return this.#handles()
      .filter((handle) => !handle.durable)
      .map((handle) => ({ channel: handle.component.spec.id, events: handle.status().size }))
      .filter(({ events }) => events > 0);
  }

  components(): readonly ComponentMetrics[] {
    const all = new Map<string, ComponentMetrics>();
    for (const [name, { part }] of this.#sources) all.set(`source ${name}`, part.metrics());
    for (const [name, { part }] of this.#channels) all.set(`channel ${name}`, part.component.metrics(part.status()));
    for (const [name, { part }] of this.#sinks) all.set(`sink ${name}`, part.component.metrics());
    return this.#order.flatMap((name) => all.get(name) ?? []);
  }

  /** Parts whose step has taken longer than `limitMs`, in words: a write of a sink without an outcome, puts that get none although there is room. */
  stuck(limitMs: number): readonly string[] {
    const now = performance.now();
    const writes = [...this.#loops.values()].flatMap(({ part }) => part.writing).map(({ name, sinceMs }) => ({ what: `sink ${name} has been writing`, sinceMs }));
    const puts = [...this.#channels].map(([name, { part }]) => ({ what: `channel ${name} has stored nothing that was put`, sinceMs: part.waitingSinceMs ?? now }));
    return [...writes, ...puts].filter(({ sinceMs }) => now - sinceMs > limitMs).map(({ what, sinceMs }) => `${what} for ${Math.round((now - sinceMs) / 1000)} s`);
  }

  /** A channel as sources see it, whether it runs or not. */
  channel(name: string): Channel | undefined {
    return this.#channels.get(name)?.part;
  }

  lookInto(channel: string): Pick<Channel, 'peek' | 'stat'> | undefined {
    return this.#channels.get(channel)?.part.component.product;
  }

  /** Adds to a counter of a component by its configured name, `a1.sinks.k1`; nothing where it is not there any more. */
  count(component: string, counter: string, amount: number): void {
    const sources = [...this.#sources.values()].map(({ part }) => part);
    const others = [...[...this.#sinks.values()].map(({ part }) => part), ...this.#handles()].map((unit) => unit.component);
    for (const each of [...sources, ...others]) if (each.spec.name === component) each.count(counter, amount);
  }

  /** The running product of a component, for those who describe it. */
  product(kind: ComponentMetrics['kind'], name: string): Source | Channel | Sink | undefined {
    if (kind === 'source') return this.#sources.get(name)?.part.product;
    if (kind === 'sink') return this.#sinks.get(name)?.part.component.product;
    return this.#channels.get(name)?.part.component.product;
  }

  /** Names of what the plan takes away or changes; what depends on it is named too. */
  #compare(plan: AgentPlan): { channels: string[]; sinks: string[]; loops: string[]; sources: string[] } {
    const channels = staleNames(this.#channels, new Map(plan.channels.map(({ name, canonical }) => [name, canonical])));
    const touches = (names: readonly string[]): boolean => names.some((name) => channels.includes(name));
    const sinks = staleNames(
      this.#sinks,
      new Map(plan.sinks.map(({ name, canonical, channel }) => [name, touches([channel]) ? undefined : canonical])),
    );
    const loops = staleNames(
      this.#loops,
      new Map(loopsOf(plan).map(({ key, canonical, members }) => [key, members.some((name) => sinks.includes(name)) ? undefined : canonical])),
    );
    const sources = staleNames(
      this.#sources,
      new Map(plan.sources.map((source) => [source.name, touches(source.channels) ? undefined : source.canonical])),
    );
    return { channels, sinks, loops, sources };
  }

  async #stopSources(names: readonly string[]): Promise<void> {
    await Promise.all(names.map(async (name) => this.#sources.get(name)?.part.stop()));
    for (const name of names) this.#sources.delete(name);
  }

  /** Whatever stood in the way of a sink may be gone, and it will not be asked again for long. */
  async #lastTry(mostMs: number): Promise<void> {
    for (const { part } of this.#sinks.values()) part.component.tryNow();
    const tried = Promise.all([...this.#loops.values()].map(({ part }) => part.tryNow()));
    await Promise.race([tried, sleep(mostMs, undefined, { ref: false })]);
  }

  async #stopLoops(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map(async (key) => this.#loops.get(key)?.part.stop()));
    for (const key of keys) this.#loops.delete(key);
  }

  async #stopSinks(names: readonly string[]): Promise<void> {
    await Promise.all(names.map(async (name) => this.#sinks.get(name)?.part.component.stop()));
    for (const name of names) this.#sinks.delete(name);
  }

  async #drainRemoved(stale: readonly string[], plan: AgentPlan): Promise<void> {
    const removed = stale.filter((name) => !plan.channels.some((channel) => channel.name === name));
    const handles = removed.flatMap((name) => this.#channels.get(name)?.part ?? []).filter((handle) => !handle.durable);
    await empty(handles, performance.now() + DRAIN_MS);
  }

  /** Takes stale channels out of the agent. Durable ones are stopped; those in memory are handed back, still running. */
  async #takeOut(names: readonly string[]): Promise<ChannelHandle[]> {
    const running: ChannelHandle[] = [];
    for (const name of names) {
      const handle = this.#channels.get(name)?.part;
      this.#channels.delete(name);
      if (handle?.component.product && !handle.durable && handle.status().size > 0) running.push(handle);
      else await handle?.stop();
    }
    return running;
  }

  /** Moves what a replaced channel holds to its successor, in order; without one, to the dead letters. */
  async #moveOut(old: ChannelHandle): Promise<void> {
    const { id, name, log } = old.component.spec;
    const successor = this.#channels.get(id)?.part;
    const moved = await moveEvents(old, successor, (batch, reason) => this.#surroundings.setAside(name, batch, reason));
    log.info('channel replaced', { eventsMoved: moved.moved, eventsSetAside: moved.setAside });
    await old.stop();
  }

  async #startChannel(plan: PlannedComponent<'channel'>): Promise<void> {
    if (this.#stopped || this.#channels.has(plan.name)) return;
    const component = this.#component<'channel', Channel>('channel', plan);
    this.#channels.set(plan.name, { canonical: plan.canonical, part: new ChannelHandle(component) });
    await component.start();
  }

  async #startSink(plan: PlannedSink): Promise<void> {
    if (this.#stopped || this.#sinks.has(plan.name)) return;
    const channel = this.#channels.get(plan.channel)?.part;
    if (!channel) throw new Error(`sink ${plan.name} has no channel ${plan.channel}`);
    const component = this.#component<'sink', Sink>('sink', plan);
    this.#sinks.set(plan.name, { canonical: plan.canonical, part: { component, channel, countsBatches: plan.definition.flume?.batchesNotCounted !== true } });
    await component.start();
  }

  async #startLoops(plan: AgentPlan): Promise<void> {
    for (const { key, canonical, members, group } of loopsOf(plan)) {
      if (this.#stopped || this.#loops.has(key)) continue;
      const parts = new Map(members.flatMap((name) => (this.#sinks.has(name) ? [[name, this.#sinks.get(name)?.part as SinkMember]] : [])));
      const name = group ? `${this.agent}.sinkgroups.${group.name}` : `${this.agent}.sinks.${members[0]}`;
      const log = this.#surroundings.logger(name);
      const processor = group ? await createProcessor(name, group, log) : alone(members[0] as string);
      const loop = new SinkLoop(parts, processor, log, this.#surroundings);
      this.#loops.set(key, { canonical, part: loop });
      loop.start();
    }
  }

  async #startSource(plan: PlannedSource): Promise<void> {
    if (this.#stopped || this.#sources.has(plan.name)) return;
    const handles = new Map(plan.channels.flatMap((name) => (this.#channels.has(name) ? [[name, this.#channels.get(name)?.part as ChannelHandle]] : [])));
    const component = sourceUnit(this.agent, plan, handles, this.#surroundings);
    this.#sources.set(plan.name, { canonical: plan.canonical, part: component });
    const started = component.start();
    // A source whose channel does not run waits for it, and must not keep the others waiting.
    if ([...handles.values()].every((handle) => handle.component.product)) await started;
  }

  #component<K extends 'channel' | 'sink', P extends Channel | Sink>(kind: K, plan: PlannedComponent<K>): Component<P> {
    const name = `${this.agent}.${kind}s.${plan.name}`;
    const [type] = plan.definition.types;
    const log = this.#surroundings.logger(name);
    return new Component<P>({
      kind,
      id: plan.name,
      name,
      type,
      log,
      started: (product) => tellListeners(product.describe?.().endpoints ?? [], log),
      fatal: this.#surroundings.fatal,
      create: (context) => {
        if (!plan.definition.create) throw new Error(`${kind} type "${type}" is one that Millrace does not have yet`);
        return plan.definition.create(context, plan.values as never) as P | Promise<P>;
      },
    });
  }

  #handles(): ChannelHandle[] {
    return [...this.#channels.values()].map(({ part }) => part);
  }
}

interface PlannedLoop {
  readonly key: string;
  readonly canonical: string;
  readonly members: readonly string[];
  readonly group?: PlannedGroup;
}

/** One loop for each group, and one for each sink that is in none. */
function loopsOf(plan: AgentPlan): readonly PlannedLoop[] {
  const grouped = new Set(plan.groups.flatMap(({ members }) => members));
  return [
    ...plan.groups.map((group) => ({
      key: `group ${group.name}`,
      canonical: `${group.members.join(' ')}\n${group.canonical}`,
      members: group.members,
      group,
    })),
    ...plan.sinks
      .filter(({ name }) => !grouped.has(name))
      .map(({ name }) => ({ key: `sink ${name}`, canonical: '', members: [name] })),
  ];
}

async function createProcessor(name: string, { definition, values, members }: PlannedGroup, log: Logger): Promise<SinkProcessor> {
  if (!definition.create) throw new Error(`sink processor "${definition.types[0]}" is one that Millrace does not have yet`);
  return definition.create({ name, log, members, count: () => undefined, fail: () => undefined }, values as never);
}

function staleNames<T>(running: ReadonlyMap<string, Unit<T>>, wanted: ReadonlyMap<string, string | undefined>): string[] {
  return [...running].filter(([name, { canonical }]) => wanted.get(name) !== canonical).map(([name]) => name);
}
