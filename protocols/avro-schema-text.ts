import { isPrimitiveSchema, type AvroField, type AvroSchema } from './avro-schema.ts';

/**
 * Schemas as text: in the form that Java prints (`Schema.toString` of Avro 1.11), and in the "Parsing Canonical Form" of the specification,
 * of which the fingerprint is made.
 */

/** As Java prints it: keys in its order, names without their namespace where that is the one around them. */
export function avroSchemaText(schema: AvroSchema): string {
  return JSON.stringify(written(schema, { known: new Set(), namespace: '' }));
}

interface Around {
  readonly known: Set<string>;
  readonly namespace: string;
}

function written(schema: AvroSchema, around: Around): unknown {
  if (isPrimitiveSchema(schema)) return schema.props.length === 0 ? schema.type : { type: schema.type, ...Object.fromEntries(schema.props) };
  if ('name' in schema) return writtenNamed(schema, around);
  if (schema.type === 'union') return schema.branches.map((branch) => written(branch, around));
  if (schema.type === 'array') return { type: 'array', items: written(schema.items, around), ...Object.fromEntries(schema.props) };
  return { type: 'map', values: written(schema.values, around), ...Object.fromEntries(schema.props) };
}

type NamedSchema = Extract<AvroSchema, { readonly name: string }>;

function writtenNamed(schema: NamedSchema, { known, namespace }: Around): unknown {
  const { name, named, props } = schema;
  const [space, simple] = split(name);
  if (known.has(name)) return space === namespace ? simple : name;
  known.add(name);
  const inner = { known, namespace: space };
  const head = { type: schema.type, name: simple, ...(space !== namespace && { namespace: space }), ...(named.doc !== undefined && { doc: named.doc }) };
  const tail = {
    ...Object.fromEntries(props),
    ...(named.aliases.length > 0 && { aliases: named.aliases.map((alias) => (split(alias)[0] === space ? split(alias)[1] : alias)) }),
  };
  if (schema.type === 'fixed') return { ...head, size: schema.size, ...tail };
  if (schema.type === 'enum') return { ...head, symbols: schema.symbols, ...(schema.fallback !== undefined && { default: schema.fallback }), ...tail };
  return { ...head, fields: schema.fields.map((field) => writtenField(field, inner)), ...tail };
}

function writtenField(field: AvroField, around: Around): unknown {
  const { name, schema, doc, order, aliases, props } = field;
  return {
    name,
    type: written(schema, around),
    ...(doc !== undefined && { doc }),
    ...('fallback' in field && { default: field.fallback }),
    ...(order !== undefined && order !== 'ascending' && { order }),
    ...(aliases.length > 0 && { aliases }),
    ...Object.fromEntries(props),
  };
}

function split(name: string): readonly [string, string] {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? ['', name] : [name.slice(0, dot), name.slice(dot + 1)];
}

/** Only what the binary encoding depends on, in a fixed order. */
export function canonicalAvroSchema(schema: AvroSchema): string {
  return canonical(schema, new Set());
}

function canonical(schema: AvroSchema, known: Set<string>): string {
  if ('name' in schema) {
    const quoted = JSON.stringify(schema.name);
    if (known.has(schema.name)) return quoted;
    known.add(schema.name);
    const head = `{"name":${quoted},"type":"${schema.type}"`;
    if (schema.type === 'enum') return `${head},"symbols":[${schema.symbols.map((symbol) => JSON.stringify(symbol)).join(',')}]}`;
    if (schema.type === 'fixed') return `${head},"size":${schema.size}}`;
    const fields = schema.fields.map((field) => `{"name":${JSON.stringify(field.name)},"type":${canonical(field.schema, known)}}`);
    return `${head},"fields":[${fields.join(',')}]}`;
  }
  if (schema.type === 'union') return `[${schema.branches.map((branch) => canonical(branch, known)).join(',')}]`;
  if (schema.type === 'array') return `{"type":"array","items":${canonical(schema.items, known)}}`;
  if (schema.type === 'map') return `{"type":"map","values":${canonical(schema.values, known)}}`;
  return `"${schema.type}"`;
}

const EMPTY = 0xc15d213aa4d7a795n;

/** CRC-64-AVRO of the canonical form, the least significant byte first, in hexadecimal digits. */
export function avroFingerprint(schema: AvroSchema): string {
  const table = Array.from({ length: 256 }, (_, index) => {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ (EMPTY & -(value & 1n));
    return value;
  });
  let print = EMPTY;
  for (const byte of Buffer.from(canonicalAvroSchema(schema))) print = (print >> 8n) ^ (table[Number((print ^ BigInt(byte)) & 0xffn)] as bigint);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, print));
  return bytes.toString('hex');
}
