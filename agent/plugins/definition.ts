import { Batch } from '../../core/batch.ts';
import type { Interceptor, Kind, Serializer } from '../../core/component.ts';
import type { AnyDefinition } from '../../core/define.ts';
import { AgentError } from '../../core/errors.ts';
import { boolean, integer, string, type Option } from '../../core/options.ts';
import { isolating } from './serializer.ts';

/** Kinds that a plug-in can add to. */
export const PLUGIN_KINDS = ['source', 'channel', 'sink', 'interceptor', 'selector', 'sink processor', 'serializer', 'deserializer', 'http handler'] as const;
export type PluginKind = (typeof PLUGIN_KINDS)[number];

/** A plug-in is not what it has to be. The message completes "the plug-in …". */
export class PluginError extends AgentError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('M107', message, options);
  }
}

/** What each kind's product cannot do without, and what is put in its place where the rest is missing. */
const PRODUCTS: Readonly<Record<PluginKind, { needs: readonly string[]; defaults: Readonly<Record<string, unknown>> }>> = {
  source: { needs: [], defaults: { start: nothing, stop: nothing } },
  channel: { needs: ['put', 'take', 'status', 'transactionCapacity'], defaults: { start: nothing, stop: nothing, durable: false } },
  sink: { needs: ['write'], defaults: { start: nothing, stop: nothing, batchSize: 100 } },
  interceptor: { needs: ['intercept'], defaults: {} },
  selector: { needs: ['route'], defaults: {} },
  'sink processor': { needs: ['process'], defaults: {} },
  serializer: { needs: ['encode'], defaults: { begin: noBytes, end: noBytes, canAppend: false } },
  deserializer: { needs: ['open'], defaults: {} },
  'http handler': { needs: ['handle'], defaults: {} },
};

/**
 * Checks what a plug-in exported and makes a definition of it. Options may be given as plain values, which then are the defaults: a text, a
 * whole number, true or false. Throws PluginError.
 */
export function toDefinition(value: unknown, fallbackType: string): AnyDefinition<PluginKind> {
  if (!isRecord(value)) throw new PluginError(`exports ${describeValue(value)} where a definition was expected`);
  const kind = PLUGIN_KINDS.find((candidate) => candidate === value.kind);
  if (!kind) throw new PluginError(`has a definition whose kind is ${describeValue(value.kind)}; it must be one of ${PLUGIN_KINDS.join(', ')}`);
  const create = value.create;
  if (typeof create !== 'function') throw new PluginError(`has a ${kind} without a "create" function`);
  const types = readTypes(value.types, kind, fallbackType);
  const options = readOptionTable(value.options, kind);
  for (const name of ['batchSizeOption', 'transactionCapacityOption']) {
    const option = value[name];
    if (option !== undefined && (typeof option !== 'string' || !Object.hasOwn(options, option))) {
      throw new PluginError(`has a ${kind} whose ${name} names no option of it`);
    }
  }
  for (const name of ['check', 'checkNames', 'readableFiles']) {
    if (value[name] !== undefined && typeof value[name] !== 'function') throw new PluginError(`has a ${kind} whose "${name}" is no function`);
  }
  return {
    ...value,
    kind,
    types,
    options,
    summary: typeof value.summary === 'string' ? value.summary : '',
    create: async (context: never, values: never) => completeProduct(kind, types[0], await (create.call(value, context, values) as unknown)),
  };
}

/** Adds to what `create` of a plug-in gave whatever may be left out. Throws PluginError where it is not usable. */
export function completeProduct(kind: PluginKind, type: string, product: unknown): never {
  if (!isRecord(product)) throw new PluginError(`made ${describeValue(product)} for a ${kind} of type ${type}; it must be an object`);
  const { needs, defaults } = PRODUCTS[kind];
  const missing = needs.find((name) => product[name] === undefined);
  if (missing !== undefined) throw new PluginError(`made a ${kind} of type ${type} that has no "${missing}"`);
  for (const [name, value] of Object.entries(defaults)) if (product[name] === undefined) product[name] = value;
  if (kind === 'interceptor') return guarded(product as unknown as Interceptor, type) as never;
  return (kind === 'serializer' ? isolating(product as unknown as Serializer) : product) as never;
}

/** What an interceptor returns goes to the channels unread: it has to be a batch. */
function guarded(interceptor: Interceptor, type: string): Interceptor {
  return {
    intercept(batch) {
      const result: unknown = interceptor.intercept(batch);
      if (result instanceof Batch) return result;
      throw new PluginError(`returned ${describeValue(result)} from "intercept" of ${type}; it must be a batch`);
    },
  };
}

function readTypes(types: unknown, kind: Kind, fallback: string): readonly [string, ...string[]] {
  if (types === undefined) return [fallback];
  const list: readonly unknown[] = Array.isArray(types) ? types : [types];
  const texts = list.filter((type) => typeof type === 'string' && /^\S+$/.test(type));
  const [first, ...rest] = texts as string[];
  if (first === undefined || texts.length !== list.length) {
    throw new PluginError(`has a ${kind} whose "types" is not a list of names without blanks`);
  }
  return [first, ...rest];
}

function readOptionTable(options: unknown, kind: Kind): Readonly<Record<string, Option<unknown>>> {
  if (options === undefined) return {};
  if (!isRecord(options)) throw new PluginError(`has a ${kind} whose "options" is ${describeValue(options)} and not a table`);
  const table = Object.create(null) as Record<string, Option<unknown>>;
  for (const [name, spec] of Object.entries(options)) table[name] = readOption(name, spec, kind);
  return table;
}

function readOption(name: string, spec: unknown, kind: Kind): Option<unknown> {
  const doc = 'Given by the plug-in, which says no more of it.';
  if (typeof spec === 'string') return string({ default: spec, doc });
  if (typeof spec === 'boolean') return boolean({ default: spec, doc });
  if (typeof spec === 'number' && Number.isSafeInteger(spec)) return integer({ default: spec, long: true, doc });
  if (isRecord(spec) && typeof spec.read === 'function' && typeof spec.shape === 'string') return spec as unknown as Option<unknown>;
  throw new PluginError(
    `has a ${kind} whose option "${name}" is ${describeValue(spec)}; make it with string(), integer(), …, or give its default: a text, a whole number, true or false`,
  );
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return `the text "${value.slice(0, 40)}"`;
  if (Array.isArray(value)) return 'a list';
  return value === undefined || value === null ? String(value) : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function nothing(): Promise<void> {}

function noBytes(): Buffer {
  return Buffer.alloc(0);
}
