// The manual pages and the completion of the shell, from the definitions that `millrace help` shows.
import { AGENT_OPTIONS } from '../agent/command-line/option-syntax.ts';
import { MILLRACE_VERBS, programUsage } from '../agent/command-line/usage.ts';
import { runVerb } from '../agent/command-line/verbs.ts';
import { exampleOf, ignoredKeys, optionTexts, typeNotes } from '../agent/plan/definition-text.ts';
import { readAllDefinitions, registries } from '../agent/plan/registries.ts';
import type { AnyDefinition } from '../core/define.ts';

interface Shelf {
  readonly kind: string;
  readonly all: readonly AnyDefinition[];
}

/** Pages of man(7) by name: millrace.1, flume-ng.1, millrace-properties.5. */
export async function manualPages(version: string): Promise<ReadonlyMap<string, string>> {
  await readAllDefinitions();
  const usages = await Promise.all(verbs().filter((verb) => !['agent', 'help', 'version'].includes(verb)).map(verbUsage));
  const head = (name: string, section: number, what: string): string => `.TH ${name.toUpperCase()} ${section} "" "Millrace ${version}"\n.SH NAME\n${name} \\- ${escaped(what)}\n`;
  const seeAlso = '.SH SEE ALSO\n.BR millrace (1),\n.BR millrace-properties (5),\n.BR systemd (1)\n';
  const service = '.SH SERVICE\n.B systemctl start millrace@NAME\nruns the only agent in\n.IR /etc/millrace/NAME.properties ;\nwhat it stores is in\n.IR /var/lib/millrace/NAME .\n';
  return new Map([
    ['millrace.1', `${head('millrace', 1, 'log ingestion that runs Apache Flume configuration files')}.SH SYNOPSIS\n${verbatim(programUsage('millrace'))}${usages.join('')}${service}${seeAlso}`],
    ['flume-ng.1', `${head('flume-ng', 1, 'Millrace with the command line of Apache Flume 1.11')}.SH SYNOPSIS\n${verbatim(programUsage('flume-ng'))}${seeAlso}`],
    ['millrace-properties.5', `${head('millrace-properties', 5, 'configuration of Millrace agents')}${shelves().map(shelfSection).join('')}${seeAlso}`],
  ]);
}

/** For bash: verbs, options of `agent`, files, kinds and types of components after `help`. */
export async function bashCompletion(): Promise<string> {
  await readAllDefinitions();
  const all = shelves();
  const word = (kind: string): string => kind.replace(' ', '-');
  const types = all.map(({ kind, all: each }) => `        ${word(kind)}) words='${each.map(({ types: [type] }) => type).join(' ')}' ;;`);
  return [
    '# Completion of millrace and flume-ng for bash.',
    '_millrace() {',
    '  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]} words=',
    '  COMPREPLY=()',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    words='${verbs().join(' ')}'`,
    '  else',
    '    case $verb:$previous in',
    "      agent:--conf-file | agent:-f | agent:--conf | agent:-c | agent:--backup-directory) COMPREPLY=($(compgen -f -- \"$current\")); return ;;",
    "      agent:--log-format) words='text json' ;;",
    `      agent:*) words='${AGENT_OPTIONS.map(({ long }) => `--${long}`).join(' ')}' ;;`,
    `      help:help) words='${all.map(({ kind }) => word(kind)).join(' ')}' ;;`,
    '      help:*) case $previous in',
    ...types,
    '      esac ;;',
    "      channel:channel) words='stat peek export verify repair' ;;",
    "      dead-letters:dead-letters) words='ls show replay purge' ;;",
    "      status:*) words='--port --url --seconds --json' ;;",
    '      *) COMPREPLY=($(compgen -f -- "$current")); return ;;',
    '    esac',
    '  fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o filenames -F _millrace millrace',
    '',
  ].join('\n');
}

function verbs(): readonly string[] {
  return MILLRACE_VERBS.map(([usage]) => usage.split(' ')[0] as string);
}

function shelves(): readonly Shelf[] {
  return (Object.values(registries) as readonly unknown[] as readonly Shelf[]).filter(({ all }) => all.length > 0);
}

async function verbUsage(verb: string): Promise<string> {
  let text = '';
  const out = (more: string): void => void (text += more);
  await runVerb([verb, '--show-help'], { out, err: out, colour: false, env: new Map(), systemProperties: new Map() });
  return `.SH ${verb.toUpperCase()}\n${verbatim(text.trim())}`;
}

function shelfSection({ kind, all }: Shelf): string {
  return `.SH ${kind.toUpperCase()}S\n${all.filter(({ create }) => create !== undefined).map(typeSection).join('')}`;
}

function typeSection(definition: AnyDefinition): string {
  const rows = optionTexts(definition).map(({ name, type, allowed, required, fallback, doc }) => {
    const facts = [type, allowed, required ? 'required' : fallback === '' ? 'optional' : `default ${fallback}`].filter((fact) => fact !== '');
    return `.TP\n.B ${escaped(name)}\n${escaped(`${doc} (${facts.join('; ')})`)}\n`;
  });
  const ignored = ignoredKeys(definition).map(({ name, doc }) => `.TP\n.B ${escaped(name)}\n${escaped(`Without effect: ${doc}`)}\n`);
  const notes = [definition.summary, ...typeNotes(definition)].map((note) => `${escaped(note)}\n`).join('');
  return `.SS ${escaped(definition.types[0])}\n${notes}${rows.join('')}${ignored.join('')}.PP\n${verbatim(exampleOf(definition).join('\n'))}`;
}

function verbatim(text: string): string {
  return `.nf\n${text.trimEnd().split('\n').map(escaped).join('\n')}\n.fi\n`;
}

/** As text of roff: backslashes, hyphens that stay hyphens when copied, and lines that look like requests. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll(/^([.'])/gm, '\\&$1');
}
