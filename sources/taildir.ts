import { define, type Finding } from '../core/define.ts';
import { regexFault } from '../core/option-groups.ts';
import { boolean, integer, list, optional, prefix, string } from '../core/options.ts';

export const taildirSource = define('source', {
  types: ['TAILDIR', 'org.apache.flume.source.taildir.TaildirSource'],
  summary: 'Follows files that are appended to, through rotation, and remembers how far it has read.',
  options: {
    filegroups: list({ doc: 'Names of the groups of files, separated by white space.' }),
    'filegroups.*': prefix({ doc: 'The files of a group: filegroups.f1 = /var/log/app/.*\\.log, a directory and a regular expression.' }),
    'headers.*': prefix({
      check: checkHeaders,
      doc: 'A header for all events of a group: headers.f1.service = checkout.',
    }),
    positionFile: optional(
      string({
        check: (path) => (path.replace(/\/+$/, '').includes('/') ? undefined : 'has no directory: write at least ./ in front'),
        doc: 'File that holds the positions; absent: .flume/taildir_position.json below the home directory.',
      }),
    ),
    batchSize: integer({ default: 100, min: 1, outside: 'refuse', doc: 'Most events put into the channels at a time.' }),
    maxBatchCount: integer({
      default: Number.MAX_SAFE_INTEGER,
      long: true,
      min: 1,
      outside: 'warn',
      doc: 'Full batches taken from one file before the next file has its turn.',
    }),
    skipToEnd: boolean({ default: false, doc: 'Begin at the end of files that have no known position when the source starts.' }),
    idleTimeout: integer({ default: 120_000, doc: 'Milliseconds without new data after which a file is closed.' }),
    writePosInterval: integer({ default: 3000, min: 1, outside: 'refuse', doc: 'Milliseconds between two writes of the position file.' }),
    byteOffsetHeader: boolean({ default: false, doc: 'Put the byte offset of the line in its file into the header byteoffset.' }),
    fileHeader: boolean({ default: false, doc: 'Put the absolute path of the file into a header.' }),
    fileHeaderKey: string({ default: 'file', doc: 'Name of the header for the path.' }),
    cachePatternMatching: boolean({ default: true, doc: 'List a directory again only when it has changed.' }),
  },
  check: (values) => checkGroups(values.filegroups, values['filegroups.*']),
  batchSizeOption: 'batchSize',
  flume: { polled: true },
});

function checkHeaders(entries: ReadonlyMap<string, string>): string | undefined {
  for (const key of entries.keys()) {
    if (!key.includes('.')) return `names a group and no header: headers.${key}.<header> is meant`;
  }
  return undefined;
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
