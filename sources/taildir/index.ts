import { define, type Finding } from '../../core/define.ts';
import { regexFault } from '../../core/option-groups.ts';
import { taildirOptions } from './options.ts';

export const taildirSource = define('source', {
  types: ['TAILDIR', 'org.apache.flume.source.taildir.TaildirSource'],
  summary: 'Follows files that are appended to, through rotation, and remembers how far it has read.',
  options: taildirOptions,
  check: (values) => [...checkGroups(values.filegroups, values['filegroups.*']), ...checkExcludes(values['excludes.*']), ...checkNumbers(values)],
  batchSizeOption: 'batchSize',
  flume: { polled: true },
  // Loaded by agents that have such a source.
  create: async (context, values) => (await import('./create.ts')).createTaildir(context, values),
});

function checkExcludes(entries: ReadonlyMap<string, string>): readonly Finding[] {
  return [...entries].flatMap(([group, source]) => {
    const sentence = regexFault(source);
    return sentence ? [{ option: `excludes.${group}`, effect: 'refuse' as const, sentence }] : [];
  });
}

/** Most events whose numbers are kept with one batch. */
const MOST_NUMBERED = 100_000;

function checkNumbers(values: { readonly exactlyOnce: boolean; readonly batchSize: number; readonly 'multiline.firstLine': string | undefined }): readonly Finding[] {
  if (!values.exactlyOnce) return [];
  const findings: Finding[] = [];
  if (values['multiline.firstLine'] !== undefined) {
    findings.push({ option: 'exactlyOnce', effect: 'refuse', sentence: 'cannot be kept with multiline.firstLine: where an event of several lines ends may differ when it is read again' });
  }
  if (values.batchSize > MOST_NUMBERED) findings.push({ option: 'batchSize', effect: 'refuse', sentence: `is more than ${MOST_NUMBERED}, and exactlyOnce keeps the numbers of no more in one batch` });
  return findings;
}

/** A group without files is passed over by Flume; one whose path makes no sense keeps the source from starting. */
function checkGroups(groups: readonly string[], files: ReadonlyMap<string, string>): readonly Finding[] {
  const mapped = groups.filter((group) => files.has(group));
  if (mapped.length === 0) {
    const sentence = `names no group that has files: filegroups.${groups[0] ?? 'f1'} = /directory/pattern is missing`;
    return [{ option: 'filegroups', effect: 'drop', sentence }];
  }
  const findings: Finding[] = [];
  for (const group of groups) {
    const path = files.get(group);
    if (path === undefined) {
      findings.push({ option: 'filegroups', effect: 'warn', sentence: `names the group "${group}", which has no files` });
    } else if (!path.includes('/')) {
      findings.push({ option: `filegroups.${group}`, effect: 'refuse', sentence: 'has no directory in front of its pattern' });
    } else {
      const sentence = regexFault(path.slice(path.lastIndexOf('/') + 1));
      if (sentence) findings.push({ option: `filegroups.${group}`, effect: 'refuse', sentence });
    }
  }
  return findings;
}
