import { AvroDataError, type AvroReader } from './avro-reader.ts';

/** A parsed schema (Avro 1.11 specification, "Schema Declaration"). Names are full names. */
export type AvroSchema =
  | { readonly type: AvroPrimitive; readonly props: Props }
  | { readonly type: 'record' | 'error'; readonly name: string; readonly named: NamedFacts; fields: readonly AvroField[]; readonly props: Props }
  | { readonly type: 'enum'; readonly name: string; readonly named: NamedFacts; readonly symbols: readonly string[]; readonly fallback?: string; readonly props: Props }
  | { readonly type: 'fixed'; readonly name: string; readonly named: NamedFacts; readonly size: number; readonly props: Props }
  | { readonly type: 'array'; readonly items: AvroSchema; readonly props: Props }
  | { readonly type: 'map'; readonly values: AvroSchema; readonly props: Props }
  | { readonly type: 'union'; readonly branches: readonly AvroSchema[]; readonly props: Props };

export interface AvroField {
  readonly name: string;
  readonly schema: AvroSchema;
  readonly doc?: string;
  readonly fallback?: unknown;
  readonly order?: string;
  readonly aliases: readonly string[];
  readonly props: Props;
}

/** What a named type has besides its name. */
export interface NamedFacts {
  readonly doc?: string;
  /** Full names. */
  readonly aliases: readonly string[];
}

export type AvroPrimitive = (typeof PRIMITIVES)[number];
type Props = readonly (readonly [string, unknown])[];

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
/** Deeper schemas are nobody's, and would use up the stack. */
const MOST_DEPTH = 200;
/** The same for a record within a record of its own type. */
const MOST_VALUE_DEPTH = 2000;

/** Throws AvroDataError for what is no schema. */
export function parseAvroSchema(text: string): AvroSchema {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new AvroDataError('the schema is not JSON', { cause: error });
  }
  return parse(json, { names: new Map(), namespace: '', depth: 0 });
}

interface Scope {
  readonly names: Map<string, AvroSchema>;
  readonly namespace: string;
  readonly depth: number;
}

function parse(json: unknown, scope: Scope): AvroSchema {
  if (scope.depth > MOST_DEPTH) throw new AvroDataError('the schema is nested too deeply');
  const inner = { ...scope, depth: scope.depth + 1 };
  if (typeof json === 'string') return byName(json, scope);
  if (Array.isArray(json)) return { type: 'union', branches: json.map((branch: unknown) => parse(branch, inner)), props: [] };
  if (!isRecord(json)) throw new AvroDataError('the schema holds something that is no type');
  const { type } = json;
  if (typeof type !== 'string') return parse(type, inner);
  if (type === 'array') return { type, items: parse(json.items, inner), props: propsOf(json, ['type', 'items']) };
  if (type === 'map') return { type, values: parse(json.values, inner), props: propsOf(json, ['type', 'values']) };
  if (type === 'record' || type === 'error' || type === 'enum' || type === 'fixed') return parseNamed(type, json, inner);
  const found = byName(type, scope);
  return isPrimitive(type) ? { type, props: propsOf(json, ['type']) } : found;
}

function parseNamed(type: 'record' | 'error' | 'enum' | 'fixed', json: Record<string, unknown>, scope: Scope): AvroSchema {
  const name = fullName(textOf(json.name, 'name'), typeof json.namespace === 'string' ? json.namespace : scope.namespace);
  const namespace = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : '';
  const aliases = Array.isArray(json.aliases) ? json.aliases.map((alias: unknown) => fullName(textOf(alias, 'alias'), namespace)) : [];
  const named = { aliases, ...(typeof json.doc === 'string' && { doc: json.doc }) };
  const props = propsOf(json, ['type', 'name', 'namespace', 'doc', 'fields', 'aliases', 'symbols', 'size', ...(type === 'enum' ? ['default'] : [])]);
  let schema: AvroSchema;
  if (type === 'enum') {
    if (!Array.isArray(json.symbols)) throw new AvroDataError(`the enum ${name} has no symbols`);
    schema = { type, name, named, props, symbols: json.symbols.map((symbol: unknown) => textOf(symbol, 'symbol')), ...(typeof json.default === 'string' && { fallback: json.default }) };
  } else if (type === 'fixed') {
    if (!Number.isSafeInteger(json.size) || (json.size as number) < 0) throw new AvroDataError(`the fixed type ${name} has no size`);
    schema = { type, name, named, props, size: json.size as number };
  } else {
    if (!Array.isArray(json.fields)) throw new AvroDataError(`the record ${name} has no fields`);
    const record = { type, name, named, props, fields: [] as readonly AvroField[] };
    scope.names.set(name, record);
    record.fields = json.fields.map((field: unknown) => parseField(field, { ...scope, namespace }));
    return record;
  }
  scope.names.set(name, schema);
  return schema;
}

function parseField(json: unknown, scope: Scope): AvroField {
  if (!isRecord(json)) throw new AvroDataError('a record has a field that is no object');
  return {
    name: textOf(json.name, 'name'),
    schema: parse(json.type, scope),
    aliases: Array.isArray(json.aliases) ? json.aliases.map((alias: unknown) => textOf(alias, 'alias')) : [],
    props: propsOf(json, ['name', 'type', 'doc', 'default', 'order', 'aliases']),
    ...(typeof json.doc === 'string' && { doc: json.doc }),
    ...('default' in json && { fallback: json.default }),
    ...(typeof json.order === 'string' && { order: json.order.toLowerCase() }),
  };
}

function byName(name: string, { names, namespace }: Scope): AvroSchema {
  if (isPrimitive(name)) return { type: name, props: [] };
  const found = names.get(fullName(name, namespace)) ?? names.get(name);
  if (!found) throw new AvroDataError(`the schema names the type "${name}", which it does not define`);
  return found;
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function isPrimitive(type: string): type is AvroPrimitive {
  return (PRIMITIVES as readonly string[]).includes(type);
}

function propsOf(json: Record<string, unknown>, known: readonly string[]): Props {
  return Object.entries(json).filter(([name]) => !known.includes(name));
}

function textOf(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new AvroDataError(`the schema has a ${what} that is no text`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isPrimitiveSchema(schema: AvroSchema): schema is Extract<AvroSchema, { readonly type: AvroPrimitive }> {
  return isPrimitive(schema.type);
}

/** Goes over one value. */
export type AvroSkipper = (reader: AvroReader) => void;

/** Makes what finds the ends of values of a schema. */
export function avroSkipper(schema: AvroSchema): AvroSkipper {
  return skipper(schema, new Map());
}

const PRIMITIVE_SKIPPERS: Readonly<Record<AvroPrimitive, AvroSkipper>> = {
  null: () => undefined,
  boolean: (reader) => reader.skip(1),
  int: (reader) => reader.skipLong(),
  long: (reader) => reader.skipLong(),
  float: (reader) => reader.skip(4),
  double: (reader) => reader.skip(8),
  bytes: (reader) => reader.skip(reader.count()),
  string: (reader) => reader.skip(reader.count()),
};

function skipper(schema: AvroSchema, records: Map<AvroSchema, AvroSkipper>): AvroSkipper {
  if (isPrimitiveSchema(schema)) return PRIMITIVE_SKIPPERS[schema.type];
  if ('fields' in schema) return recordSkipper(schema, records);
  if (schema.type === 'enum') return PRIMITIVE_SKIPPERS.int;
  if (schema.type === 'fixed') return (reader) => reader.skip(schema.size);
  if (schema.type === 'array') return blocks(skipper(schema.items, records));
  if (schema.type === 'map') {
    const value = skipper(schema.values, records);
    return blocks((reader) => {
      PRIMITIVE_SKIPPERS.string(reader);
      value(reader);
    });
  }
  const branches = schema.branches.map((branch) => skipper(branch, records));
  return (reader) => {
    const index = reader.count();
    const branch = branches[index];
    if (!branch) throw new AvroDataError(`a union of ${branches.length} types has no type ${index}`);
    branch(reader);
  };
}

function recordSkipper(schema: Extract<AvroSchema, { readonly type: 'record' | 'error' }>, records: Map<AvroSchema, AvroSkipper>): AvroSkipper {
  const known = records.get(schema);
  if (known) return known;
  let fields: readonly AvroSkipper[] = [];
  let depth = 0;
  const skip: AvroSkipper = (reader) => {
    if (++depth > MOST_VALUE_DEPTH) throw new AvroDataError('the data are nested too deeply');
    for (const field of fields) field(reader);
    depth--;
  };
  records.set(schema, skip);
  fields = schema.fields.map((field) => skipper(field.schema, records));
  return skip;
}

/** Arrays and maps: blocks of `count item*`, or `-count bytes item*`, and a 0. */
function blocks(item: AvroSkipper): AvroSkipper {
  return (reader) => {
    for (let count = reader.long(); count !== 0; count = reader.long()) {
      if (count < 0) reader.skip(reader.count());
      else skipItems(reader, item, count);
    }
  };
}

function skipItems(reader: AvroReader, item: AvroSkipper, count: number): void {
  for (let left = count; left > 0; left--) {
    const before = reader.at;
    item(reader);
    // Items of no bytes, such as null, are all alike: a count of billions of them must not take time.
    if (reader.at === before) return;
  }
}
