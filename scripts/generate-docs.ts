// npm run docs: writes docs/components/ and docs/errors.md from the definitions and the catalogue of problems, so that they cannot drift.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exampleOf, ignoredKeys, optionTexts, typeNotes } from '../agent/plan/definition-text.ts';
import { CATALOGUE, type CatalogueEntry } from '../agent/problems/catalogue.ts';
import { readAllDefinitions, registries } from '../agent/plan/registries.ts';
import type { AnyDefinition } from '../core/define.ts';

const home = dirname(dirname(fileURLToPath(import.meta.url)));

/** Written by hand; everything else in the generated pages comes from the code. */
const INTRODUCTIONS: Readonly<Record<string, string>> = {
  sources:
    'Every source also has `channels` (names, required), `interceptors`, and `selector.type` with its options. Polled sources have `backoffSleepIncrement` (1000 ms) and `maxBackoffSleep` (5000 ms).',
  channels: 'A channel is bound by the `channels` of sources and the `channel` of sinks.',
  sinks: 'Every sink also has `channel` (one name, required).',
  interceptors: 'Listed in `a1.sources.r1.interceptors`; events pass them in that order.',
  selectors: 'Set by `a1.sources.r1.selector.type`; without it events are replicated.',
  'sink-processors': 'Set by `a1.sinkgroups.g1.processor.type` for the sinks in `a1.sinkgroups.g1.sinks`.',
  serializers: 'Chosen by the sinks that write files; their options stand below the name of that option.',
  deserializers: 'Chosen by `a1.sources.r1.deserializer` of a `spooldir` source; their options stand below that name.',
  'http-handlers': 'Chosen by `a1.sources.r1.handler` of an `http` source; their options stand below that name.',
  'config-filters': "Listed in `a1.configfilters` and asked by `${name['key']}` in values.",
};

/** The generated pages by their path below docs/. */
export async function renderDocs(): Promise<ReadonlyMap<string, string>> {
  const pages = new Map<string, string>();
  const index: string[] = [];
  await readAllDefinitions();
  for (const { kind, all } of Object.values(registries) as readonly { kind: string; all: readonly AnyDefinition[] }[]) {
    const name = `${kind.replace(' ', '-')}s`;
    pages.set(`components/${name}.md`, kindPage(name, kind, all));
    const types = all.map((definition) => `${definition.create ? '' : '('}\`${definition.types[0]}\`${definition.create ? '' : ')'}`);
    index.push(`| [${kind}](${name}.md) | ${types.join(', ') || 'none yet'} |`);
  }
  const head = '# Components\n\nTypes in brackets are types of Flume that Millrace does not have yet.\n\n| kind | types |\n|---|---|\n';
  pages.set('components/README.md', `${NOTE}${head}${index.join('\n')}\n`);
  pages.set('errors.md', errorsPage());
  return pages;
}

const NOTE = '<!-- Written by npm run docs; change the definitions instead. -->\n\n';

function kindPage(name: string, kind: string, all: readonly AnyDefinition[]): string {
  const title = `${name[0]?.toUpperCase()}${name.slice(1).replace('-', ' ')}`;
  const parts = [`${NOTE}# ${title}\n\n${INTRODUCTIONS[name] ?? ''}\n`];
  if (all.length === 0) parts.push(`\nThere is no ${kind} yet.\n`);
  return [...parts, ...all.map(typeSection)].join('');
}

function typeSection(definition: AnyDefinition): string {
  const { types, summary } = definition;
  const parts = [`\n## ${types[0]}\n\n${summary}\n`];
  if (types.length > 1) parts.push(`\nAlso: ${types.slice(1).map((type) => `\`${type}\``).join(', ')}.\n`);
  for (const note of typeNotes(definition)) parts.push(`\n${note}\n`);
  const options = optionTexts(definition);
  if (options.length > 0) {
    parts.push('\n| option | type | default | meaning |\n|---|---|---|---|\n');
    for (const { name, type, allowed, fallback, required, doc } of options) {
      const shown = required ? '**required**' : fallback === '' ? '–' : `\`${fallback}\``;
      parts.push(`| \`${cell(name)}\` | ${cell(type)}${allowed === '' ? '' : `: ${cell(allowed)}`} | ${cell(shown)} | ${cell(doc)} |\n`);
    }
  }
  const ignored = ignoredKeys(definition);
  if (ignored.length > 0) parts.push('\nWithout effect:\n\n', ...ignored.map(({ name, doc }) => `- \`${name}\`: ${doc}\n`));
  parts.push(`\n\`\`\`properties\n${exampleOf(definition).join('\n')}\n\`\`\`\n`);
  return parts.join('');
}

function errorsPage(): string {
  const entries = Object.entries(CATALOGUE) as readonly (readonly [string, CatalogueEntry])[];
  const rows = entries.map(([code, { severity, title }]) => `| [${code}](#${code.toLowerCase()}) | ${severity} | ${cell(title)} |`);
  const sections = entries.map(([code, { title, explanation, example }]) => {
    const shown = example === undefined ? '' : `\n\`\`\`properties\n${example}\n\`\`\`\n`;
    return `\n## ${code}\n\n**${title}**\n\n${explanation}\n${shown}`;
  });
  const head = '# Problems by their codes\n\n`millrace explain CODE` prints the same. Exit codes: docs/flume-differences.md.\n\n';
  return `${NOTE}${head}| code | usually | |\n|---|---|---|\n${rows.join('\n')}\n${sections.join('')}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

async function write(): Promise<void> {
  const pages = await renderDocs();
  const folder = join(home, 'docs', 'components');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (!pages.has(`components/${name}`)) rmSync(join(folder, name));
  for (const [path, text] of pages) writeFileSync(join(home, 'docs', path), text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await write();
