import type { Batch } from '../core/batch.ts';
import type { Interceptor, PartContext } from '../core/component.ts';
import { define, type Finding } from '../core/define.ts';
import type { JavaMatch } from '../core/java-regex.ts';
import { nearest } from '../core/nearest.ts';
import { list, prefix, string } from '../core/options.ts';
import { regexFault } from '../core/option-groups.ts';
import { BodyTexts, detached } from './body-texts.ts';
import { BoundedRegex, slowRegex } from './bounded-regex.ts';
import { extractorSerializers, type GroupSerializer } from './extractor-serializers.ts';
import { withEventHeaders, type HeaderOf } from './header-rows.ts';

/** Longer parts of a text keep all of it alive. */
const LONGEST_COPIED = 12;

export const regexExtractorInterceptor = define('interceptor', {
  types: ['regex_extractor', 'org.apache.flume.interceptor.RegexExtractorInterceptor$Builder'],
  summary: 'Searches the body for a regular expression and puts its groups into headers.',
  options: {
    regex: string({ check: regexFault, doc: 'Regular expression, in Java syntax; its first match in the body counts.' }),
    serializers: list({ doc: 'Names of serializers: the first is for group 1, the second for group 2, and so on.' }),
    'serializers.*': prefix({
      doc: 'Of the serializer s: s.name is the header, required; s.type is DEFAULT, which takes the text as it is, or a class; s.pattern is the Joda-Time pattern of the millis serializer.',
    }),
  },
  check: ({ regex, ...settings }) => [...slowRegex('regex', regex), ...serializerFaults(settings)],
  create: (context, values) => new RegexExtractor(context, values),
});

interface SerializerSettings {
  readonly serializers: readonly string[];
  readonly 'serializers.*': ReadonlyMap<string, string>;
}

interface Extracted {
  readonly header: string;
  readonly serialize: GroupSerializer;
}

/** Groups that took no part in the match set no header; an event that the expression takes too long for passes unchanged. */
class RegexExtractor implements Interceptor {
  readonly #regex: BoundedRegex;
  readonly #context: PartContext;
  /** For group 1, 2, … */
  readonly #extracted: readonly Extracted[];
  #refused = 0;
  #reason = '';

  constructor(context: PartContext, { regex, ...settings }: SerializerSettings & { readonly regex: string }) {
    this.#context = context;
    this.#regex = new BoundedRegex(regex, context);
    this.#extracted = settings.serializers.slice(0, this.#regex.regex.groupCount).map((name) => extractedBy(name, settings));
  }

  intercept(batch: Batch): Batch {
    const texts = new BodyTexts(batch);
    const columns = this.#extracted.map((): (string | undefined)[] => []);
    let found = false;
    this.#regex.begin();
    for (let index = 0; index < batch.size; index++) {
      const match = this.#regex.find(texts.at(index));
      if (!match) continue;
      found = true;
      for (const [at, column] of columns.entries()) column[index] = this.#serialize(match, at);
    }
    this.#regex.end();
    this.#report();
    return found && columns.length > 0 ? withEventHeaders(batch, this.#headers(columns), false) : batch;
  }

  #serialize(match: JavaMatch, at: number): string | undefined {
    const text = match.group(at + 1);
    if (text === undefined) return undefined;
    try {
      const value = (this.#extracted[at] as Extracted).serialize(text);
      return value === text && text.length > LONGEST_COPIED ? detached(text) : value;
    } catch (error) {
      this.#refused++;
      this.#reason = error instanceof Error ? error.message : String(error);
      return undefined;
    }
  }

  /** Of two serializers for one header the last that has a value counts. */
  #headers(columns: readonly (readonly (string | undefined)[])[]): ReadonlyMap<string, HeaderOf> {
    const headers = new Map<string, HeaderOf>();
    for (const [at, { header }] of this.#extracted.entries()) {
      const earlier = headers.get(header);
      const column = columns[at] as readonly (string | undefined)[];
      headers.set(header, earlier ? (index) => column[index] ?? earlier(index) : (index) => column[index]);
    }
    return headers;
  }

  #report(): void {
    if (this.#refused === 0) return;
    this.#context.count('HeaderNotSetCount', this.#refused);
    this.#context.log.warn('extracted text does not fit its serializer; the header is not set', {
      headers: this.#refused,
      reason: this.#reason,
    });
    this.#refused = 0;
  }
}

function propertiesOf(name: string, all: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const start = `${name}.`;
  return new Map([...all].filter(([key]) => key.startsWith(start)).map(([key, value]) => [key.slice(start.length), value]));
}

function extractedBy(name: string, settings: SerializerSettings): Extracted {
  const properties = propertiesOf(name, settings['serializers.*']);
  const definition = extractorSerializers.get(properties.get('type') ?? 'DEFAULT');
  const header = properties.get('name');
  if (!definition || header === undefined) throw new Error(`serializers.${name} has no name, or a type that cannot be used`);
  return { header, serialize: definition.create(properties) };
}

function serializerFaults(settings: SerializerSettings): readonly Finding[] {
  const { serializers, 'serializers.*': all } = settings;
  if (serializers.length === 0) return [{ option: 'serializers', effect: 'drop', sentence: 'names no serializer' }];
  const unlisted = [...all.keys()]
    .filter((key) => !serializers.some((name) => key.startsWith(`${name}.`)))
    .map((key): Finding => ({ option: `serializers.${key}`, effect: 'warn', sentence: 'has no effect: serializers does not list it' }));
  return [...serializers.flatMap((name) => faultsOf(name, propertiesOf(name, all))), ...unlisted];
}

function faultsOf(serializer: string, properties: ReadonlyMap<string, string>): readonly Finding[] {
  const option = (key: string): string => `serializers.${serializer}.${key}`;
  const faults: Finding[] = [];
  if (!properties.has('name')) faults.push({ option: option('name'), effect: 'drop', sentence: 'is required: the header to set' });
  const type = properties.get('type') ?? 'DEFAULT';
  const definition = extractorSerializers.get(type);
  if (!definition) {
    const known = [...extractorSerializers.keys()];
    const [meant] = type.toUpperCase() === 'DEFAULT' ? ['DEFAULT'] : nearest(type, known);
    const hint = meant === undefined ? `there are ${known.join(', ')}` : `did you mean "${meant}"?`;
    faults.push({ option: option('type'), effect: 'drop', sentence: `is no serializer of regex_extractor; ${hint}` });
    return faults;
  }
  for (const key of properties.keys()) {
    if (key === 'name' || key === 'type' || definition.keys.includes(key)) continue;
    faults.push({ option: option(key), effect: 'warn', sentence: 'has no effect: the serializer does not read it' });
  }
  const fault = definition.check(properties);
  if (fault) faults.push({ option: option(fault.key), effect: 'drop', sentence: fault.sentence });
  return faults;
}
