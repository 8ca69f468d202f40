import { regexFault } from '../../core/option-groups.ts';
import { boolean, choice, integer, list, optional, prefix, string } from '../../core/options.ts';

const pattern = (doc: string) => optional(string({ bad: 'refuse', check: regexFault, doc }));

/** What Flume does not have. */
const ownOptions = {
  readFrom: choice({
    values: ['beginning', 'end'],
    default: 'beginning',
    otherwise: 'refuse',
    doc: 'Ours: where to begin in files that have no known position when the source starts; end is the same as skipToEnd = true.',
  }),
  'excludes.*': prefix({ doc: 'Ours: a regular expression for names that a group leaves out: excludes.f1 = .*\\\\.gz.' }),
  'captureHeaders.*': prefix({
    check: checkHeaders,
    doc: 'Ours: a header made of what the groups of the pattern matched in the name: captureHeaders.f1.service = $1.',
  }),
  maxLineBytes: integer({
    default: 10 * 1024 * 1024,
    min: 1024,
    max: 256 * 1024 * 1024,
    unreadable: 'refuse',
    outside: 'refuse',
    doc: 'Ours: a line longer than this is treated as longLines says.',
  }),
  longLines: choice({
    values: ['split', 'cut', 'skip'],
    default: 'split',
    otherwise: 'refuse',
    doc: 'Ours: make several events of a line that is too long, keep its beginning, or leave it out.',
  }),
  'multiline.firstLine': pattern('Ours: lines in which this regular expression is found begin an event; the lines between them belong to the event before.'),
  'multiline.timeoutMs': integer({
    default: 2000,
    min: 1,
    unreadable: 'refuse',
    outside: 'refuse',
    doc: 'Ours: milliseconds without a new line after which an event counts as complete, with multiline.firstLine.',
  }),
  'multiline.maxLines': integer({
    default: 1000,
    min: 1,
    unreadable: 'refuse',
    outside: 'refuse',
    doc: 'Ours: most lines of one event, with multiline.firstLine; its size is limited by maxLineBytes.',
  }),
  compressed: choice({
    values: ['skip', 'read'],
    default: 'skip',
    otherwise: 'refuse',
    doc: 'Ours: what to do with files that are compressed by gzip or zstd: leave them alone, or read each once, without what was read before it was compressed.',
  }),
  exactlyOnce: boolean({
    default: false,
    doc: 'Ours: number the lines, so that a file channel stores once what is read again after a crash; not with multiline.firstLine.',
  }),
  watch: boolean({ default: true, doc: 'Ours: ask the system to tell of changes; without it the files are looked at, each about once a second.' }),
  linksOutside: choice({
    values: ['auto', 'follow', 'refuse'],
    default: 'auto',
    otherwise: 'refuse',
    doc: 'Ours: what to do about links that lead out of the directory; auto refuses them where the agent runs as root.',
  }),
};

export const taildirOptions = {
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
  ...ownOptions,
};

function checkHeaders(entries: ReadonlyMap<string, string>): string | undefined {
  for (const key of entries.keys()) {
    if (!key.includes('.')) return `names a group and no header: headers.${key}.<header> is meant`;
  }
  return undefined;
}
