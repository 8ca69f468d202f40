import assert from 'node:assert/strict';
import type { Batch } from '../../core/batch.ts';
import type { Context, Kind, Kinds } from '../../core/component.ts';
import type { Definition, OptionTable } from '../../core/define.ts';
import type { Logger } from '../../core/log.ts';
import { readOptions } from '../../core/read-options.ts';

/** A context that keeps what a component counts and says. */
export interface RecordingContext extends Context {
  readonly counters: Map<string, number>;
  /** `warn: sentence`. */
  readonly lines: string[];
}

export function recordingContext(name = 'a1.test'): RecordingContext {
  const counters = new Map<string, number>();
  const lines: string[] = [];
  const say = (level: string) => (sentence: string): void => void lines.push(`${level}: ${sentence}`);
  const log: Logger = {
    error: say('error'),
    warn: say('warn'),
    info: say('info'),
    debug: say('debug'),
    event: say('event'),
    ready: () => Promise.resolve(),
  };
  return {
    name,
    log,
    counters,
    lines,
    count: (counter, amount) => void counters.set(counter, (counters.get(counter) ?? 0) + amount),
    fail: (error) => assert.fail(error),
  };
}

/** Reads the properties as the agent does and creates the product. Throws with the first problem that stands in the way. */
export async function make<K extends Kind, O extends OptionTable>(
  definition: Definition<K, O>,
  properties: Readonly<Record<string, string>>,
  context: Kinds[K]['context'],
): Promise<Kinds[K]['product']> {
  const { values, problems } = readOptions(definition, new Map(Object.entries(properties)));
  assert.ok(values, problems.map(({ key, sentence }) => `${key} ${sentence}`).join('; '));
  const product = await definition.create?.(context, values);
  assert.ok(product);
  return product;
}

/** `effect key: sentence` for every problem of the properties. */
export function problemsOf<K extends Kind, O extends OptionTable>(
  definition: Definition<K, O>,
  properties: Readonly<Record<string, string>>,
): string[] {
  const { problems } = readOptions(definition, new Map(Object.entries(properties)));
  return problems.map(({ effect, key, sentence }) => `${effect} ${key}: ${sentence}`);
}

export function bodiesOf(batch: Batch, encoding: BufferEncoding = 'utf8'): string[] {
  return Array.from(batch, (event) => event.body.toString(encoding));
}

export function headersOf(batch: Batch): Record<string, string>[] {
  return Array.from(batch, (event) => Object.fromEntries(event.headers));
}
