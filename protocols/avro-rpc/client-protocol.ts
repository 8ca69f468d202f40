/**
 * Whether a client whose protocol text is `text` sends events as we read them: its messages `append` and `appendBatch` take an
 * AvroFlumeEvent, or an array of them, of a map of strings and bytes, in this order. Names, documentation and other properties may differ.
 * Answers what is different, for a sentence; `undefined` if nothing is.
 */
export function protocolFault(text: string): string | undefined {
  let protocol: unknown;
  try {
    protocol = JSON.parse(text);
  } catch {
    return 'is no JSON';
  }
  const types = new Map<string, unknown>();
  for (const type of listOf(field(protocol, 'types'))) remember(types, type);
  for (const [message, wanted] of Object.entries(WANTED)) {
    const definition = field(field(protocol, 'messages'), message);
    if (definition === undefined) continue;
    const [parameter, ...others] = listOf(field(definition, 'request'));
    if (parameter === undefined || others.length > 0) return `has a message ${message} with other parameters`;
    const shape = shapeOf(field(parameter, 'type'), types, 0);
    if (shape !== wanted) return `has a message ${message} whose parameter is ${shape}, and ${wanted} is read here`;
  }
  return undefined;
}

const EVENT = 'record{map<string>,bytes}';
const WANTED = { append: EVENT, appendBatch: `array<${EVENT}>` } as const;
const DEEPEST = 8;

/** The bytes that a type makes, as a word. */
function shapeOf(type: unknown, types: ReadonlyMap<string, unknown>, depth: number): string {
  if (depth > DEEPEST) return 'nested too deeply';
  if (typeof type === 'string') {
    const known = types.get(lastName(type));
    return known === undefined ? type : shapeOf(known, types, depth + 1);
  }
  const inner = (name: string): string => shapeOf(field(type, name), types, depth + 1);
  const kind = field(type, 'type');
  if (kind === 'map') return `map<${inner('values')}>`;
  if (kind === 'array') return `array<${inner('items')}>`;
  if (kind === 'record') return `record{${listOf(field(type, 'fields')).map((one) => shapeOf(field(one, 'type'), types, depth + 1)).join()}}`;
  if (Array.isArray(type)) return 'union';
  return shapeOf(kind ?? 'nothing', types, depth + 1);
}

function remember(types: Map<string, unknown>, type: unknown): void {
  const name = field(type, 'name');
  if (typeof name === 'string') types.set(lastName(name), type);
}

function lastName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
