import { javaTrim } from '../../core/java-values.ts';
import type { Effective, EffectiveProperty } from '../configuration/effective.ts';
import type { Place } from './types.ts';

/** The five words that a key of an agent begins with. */
export const LISTS = ['sources', 'channels', 'sinks', 'sinkgroups', 'configfilters'] as const;
export type ListName = (typeof LISTS)[number];

/** `source r1` for the list `sources`. */
export const WORDS: Readonly<Record<ListName, string>> = {
  sources: 'source',
  channels: 'channel',
  sinks: 'sink',
  sinkgroups: 'sinkgroup',
  configfilters: 'configfilter',
};

/** One property of a component. `value` may be changed by config filters, once, before anything is planned. */
export interface Setting {
  /** Relative to the component: `selector.type`. */
  readonly key: string;
  value: string;
  /** Where the relative key begins in the property's key. */
  readonly keyOffset: number;
  readonly property: EffectiveProperty;
  /** Came out of a config filter. */
  filtered: boolean;
}

export type Settings = Map<string, Setting>;

/** An agent as its keys make it (part 1 §1.4), before anything is judged. */
export interface AgentKeys {
  readonly name: string;
  readonly lists: ReadonlyMap<ListName, Setting>;
  readonly components: Readonly<Record<ListName, ReadonlyMap<string, Settings>>>;
  /** Keys that fit none of the five words. */
  readonly strange: readonly EffectiveProperty[];
  /** The first key of the agent in the files. */
  readonly place: Place;
}

export interface SplitKeys {
  readonly agents: readonly AgentKeys[];
  /** Properties that are dropped before they reach an agent: no value, or no agent's name. */
  readonly empty: readonly EffectiveProperty[];
  readonly nameless: readonly EffectiveProperty[];
}

interface Growing {
  readonly name: string;
  readonly lists: Map<ListName, Setting>;
  readonly components: Record<ListName, Map<string, Settings>>;
  readonly strange: EffectiveProperty[];
  readonly place: Place;
}

/** Sorts all properties by agent and component, as FlumeConfiguration does when it reads them. */
export function splitKeys(effective: Effective): SplitKeys {
  const agents = new Map<string, Growing>();
  const empty: EffectiveProperty[] = [];
  const nameless: EffectiveProperty[] = [];
  for (const property of effective.properties.values()) {
    const key = javaTrim(property.key);
    const value = javaTrim(property.value);
    const dot = key.indexOf('.');
    if (value === '') empty.push(property);
    else if (dot <= 0 || dot === key.length - 1) nameless.push(property);
    else add(agents, property, key, dot, value);
  }
  return { agents: [...agents.values()], empty, nameless };
}

function add(agents: Map<string, Growing>, property: EffectiveProperty, key: string, dot: number, value: string): void {
  const name = key.slice(0, dot);
  let agent = agents.get(name);
  if (!agent) {
    const components = Object.fromEntries(LISTS.map((list) => [list, new Map<string, Settings>()])) as Growing['components'];
    agent = { name, lists: new Map(), components, strange: [], place: property.origin.keyPlace() };
    agents.set(name, agent);
  }
  const lead = property.key.indexOf(key);
  const rest = key.slice(dot + 1);
  const list = LISTS.find((word) => word === rest);
  if (list) {
    // Two keys that are equal once trimmed: Flume keeps the first it meets.
    if (!agent.lists.has(list)) agent.lists.set(list, { key: list, value, keyOffset: lead + dot + 1, property, filtered: false });
    return;
  }
  const parts = componentKey(rest);
  if (!parts) {
    agent.strange.push(property);
    return;
  }
  const components = agent.components[parts.list];
  let settings = components.get(parts.name);
  if (!settings) components.set(parts.name, (settings = new Map()));
  settings.set(parts.key, { key: parts.key, value, keyOffset: lead + dot + 1 + rest.length - parts.key.length, property, filtered: false });
}

/** `<list>.<name>.<key>`. Flume looks for the second dot one character late, so that a name may begin with a dot. */
function componentKey(rest: string): { list: ListName; name: string; key: string } | undefined {
  const list = LISTS.find((word) => rest.startsWith(`${word}.`));
  if (!list) return undefined;
  const start = list.length + 1;
  const dot = rest.indexOf('.', start + 1);
  if (dot < 0) return undefined;
  const key = rest.slice(dot + 1);
  return key === '' ? undefined : { list, name: javaTrim(rest.slice(start, dot)), key };
}

/** Plain keys and values of a component, for reading its options. */
export function valuesOf(settings: Settings): Map<string, string> {
  return new Map([...settings.values()].map(({ key, value }) => [key, value]));
}

/** The settings below a prefix, which is cut off. */
export function below(settings: Settings, prefix: string): Settings {
  const found: Settings = new Map();
  for (const setting of settings.values()) {
    if (setting.key.startsWith(prefix) && setting.key.length > prefix.length) {
      const key = setting.key.slice(prefix.length);
      found.set(key, { ...setting, key, keyOffset: setting.keyOffset + prefix.length });
    }
  }
  return found;
}

/** Where a setting's key, relative to its component, stands. */
export function keyPlace({ property, keyOffset, key }: Setting): Place {
  return property.origin.keyPlace(keyOffset, keyOffset + key.length);
}

export function valuePlace({ property }: Setting): Place {
  return property.origin.valuePlace();
}

/** Where a word of a list stands in its value, if it was written there; else the whole value. */
export function wordPlace({ property }: Setting, word: string): Place {
  const { origin } = property;
  const pattern = /[^ \t\n\v\f\r]+/g;
  for (const match of origin.value.matchAll(pattern)) {
    if (match[0] === word) return origin.valuePlace(match.index, match.index + word.length);
  }
  return origin.valuePlace();
}

/** Sorted `key=value` lines with both escaped: equal texts mean equal components. */
export function canonicalText(settings: Iterable<readonly [string, string]>): string {
  const escape = (text: string): string => text.replace(/[\\=\n\r]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return [...settings]
    .map(([key, value]) => `${escape(key)}=${escape(value)}`)
    .sort()
    .join('\n');
}
