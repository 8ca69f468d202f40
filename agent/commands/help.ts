import type { Kind } from '../../core/component.ts';
import type { AnyDefinition } from '../../core/define.ts';
import { nearest } from '../../core/nearest.ts';
import type { CommandIo, HelpArguments } from '../command-line/types.ts';
import { agentUsage, programUsage } from '../command-line/usage.ts';
import { addAllPlugins } from '../plugins/of-configuration.ts';
import { exampleOf, ignoredKeys, optionTexts, typeNotes } from '../plan/definition-text.ts';
import { readAllDefinitions, registries } from '../plan/registries.ts';

/** EX_USAGE: there is no such kind or type. */
const EXIT_USAGE = 64;
const LINE_LENGTH = 110;

interface Shelf {
  readonly kind: Kind;
  readonly all: readonly AnyDefinition[];
  find(type: string): AnyDefinition | undefined;
}

/** `help`, `help KIND`, `help KIND TYPE`. Resolves with the exit code. */
export async function help(args: HelpArguments, io: CommandIo): Promise<number> {
  const { topic, type } = args;
  const shelves = await loadShelves(args, io);
  if (topic === undefined) {
    io.out(`${programUsage('millrace')}\nTypes (help KIND TYPE shows the options):\n${shelves.map(shelfLine).join('')}`);
    return 0;
  }
  if (topic === 'agent') {
    io.out(agentUsage('millrace'));
    return 0;
  }
  const shelf = shelves.find(({ kind }) => isNameOf(topic, kind));
  if (!shelf) return unknown(io, `"${topic}" is no kind of component`, topic, shelves.map(({ kind }) => kindWord(kind)));
  if (type === undefined) {
    io.out(args.json ? shelf.all.map(jsonLine).join('') : shelfText(shelf));
    return 0;
  }
  const definition = shelf.find(type);
  if (!definition) return unknown(io, `"${type}" is no type of ${shelf.kind}`, type, shelf.all.flatMap(({ types }) => types));
  io.out(args.json ? jsonLine(definition) : definitionText(definition));
  return 0;
}

/** Every type there is, those of plug-ins included. */
async function loadShelves({ topic, type, pluginsPath }: HelpArguments, io: CommandIo): Promise<readonly Shelf[]> {
  const { sources, channels, sinks, interceptors, selectors, sinkProcessors, serializers, deserializers, httpHandlers, configFilters } = registries;
  const all = [sources, channels, sinks, interceptors, selectors, sinkProcessors, serializers, deserializers, httpHandlers, configFilters];
  const kind = all.find((registry) => topic !== undefined && isNameOf(topic, registry.kind))?.kind;
  const variable = io.env.get('MILLRACE_PLUGINS');
  const places = { confDirectories: ['.'], pluginsPath, ...(variable !== undefined && { variable }) };
  await readAllDefinitions();
  const faults = await addAllPlugins(registries, places, kind && type !== undefined ? { kind, type } : undefined);
  for (const sentence of faults) io.err(`Warning: ${sentence}\n`);
  return all as readonly unknown[] as readonly Shelf[];
}

/** `sink processor` is asked for as `sink-processor`, `sink-processors`, `sinkprocessor`. */
function isNameOf(topic: string, kind: Kind): boolean {
  const bare = (text: string): string => text.toLowerCase().replace(/[^a-z]/g, '');
  return bare(topic) === bare(kind) || bare(topic) === `${bare(kind)}s`;
}

function kindWord(kind: Kind): string {
  return kind.replace(' ', '-');
}

function unknown(io: CommandIo, sentence: string, given: string, known: readonly string[]): number {
  const meant = nearest(given, known);
  const hint = meant.length > 0 ? `did you mean ${meant.join(' or ')}?` : `there are: ${known.filter((name) => !name.includes('.')).join(', ')}`;
  io.err(`Error: ${sentence}; ${hint}\n`);
  return EXIT_USAGE;
}

function shelfLine({ kind, all }: Shelf): string {
  const names = all.filter(isAvailable).map(({ types }) => types[0]);
  const first = `  ${kindWord(kind).padEnd(15)} `;
  return `${first}${wrapped(names.join(', '), first.length)}\n`;
}

function shelfText({ kind, all }: Shelf): string {
  const width = Math.max(0, ...all.map(({ types }) => types[0].length));
  const rows = all.map((definition) => {
    const text = isAvailable(definition) ? definition.summary : `(not there yet) ${definition.summary}`;
    return `  ${definition.types[0].padEnd(width)}  ${wrapped(text, width + 4)}\n`;
  });
  return `Types of ${kind}:\n${rows.join('')}\nSee: millrace help ${kindWord(kind)} TYPE\n`;
}

function definitionText(definition: AnyDefinition): string {
  const { kind, types, summary } = definition;
  const parts = [`${kind} ${types[0]}: ${wrapped(summary, 2)}\n`];
  if (types.length > 1) parts.push(`  also: ${types.slice(1).join(', ')}\n`);
  for (const note of typeNotes(definition)) parts.push(`  ${wrapped(note, 2)}\n`);
  const options = optionTexts(definition);
  if (options.length > 0) parts.push('\nOptions:\n');
  for (const { name, required, type, fallback, allowed, doc } of options) {
    const facts = [type, allowed, required ? 'required' : fallback === '' ? 'optional' : `default ${fallback}`].filter((fact) => fact !== '');
    parts.push(`  ${name}  (${facts.join('; ')})\n      ${wrapped(doc, 6)}\n`);
  }
  const ignored = ignoredKeys(definition);
  if (ignored.length > 0) parts.push('\nWithout effect:\n', ...ignored.map(({ name, doc }) => `  ${name}: ${wrapped(doc, 4)}\n`));
  parts.push(`\nExample:\n${exampleOf(definition).map((line) => `  ${line}\n`).join('')}`);
  return parts.join('');
}

function jsonLine(definition: AnyDefinition): string {
  const { kind, types, summary } = definition;
  return `${JSON.stringify({ kind, types, summary, available: isAvailable(definition), options: optionTexts(definition) })}\n`;
}

function isAvailable(definition: AnyDefinition): boolean {
  return definition.create !== undefined;
}

/** Broken between words; lines after the first are indented. */
function wrapped(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > LINE_LENGTH - indent) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}
