import { isKnownCharset } from '../../core/charset.ts';
import { define, type Values } from '../../core/define.ts';
import { regexFault } from '../../core/option-groups.ts';
import { boolean, choice, ignored, integer, optional, string } from '../../core/options.ts';
import { nested } from '../../core/read-options.ts';
import { deserializers } from '../../serializers/deserializers/index.ts';

const options = {
  spoolDir: string({ doc: 'Directory that files are moved into; it has to be there.' }),
  fileSuffix: string({ default: '.COMPLETED', doc: 'Added to the name of a file that is done; files with it are never read.' }),
  setAsideSuffix: string({
    default: '.SETASIDE',
    doc: 'Added to the name of a file that cannot be read to its end or completed; files with it are never read. Take it off to have the rest read.',
  }),
  deletePolicy: choice({
    values: ['never', 'immediate'],
    default: 'never',
    otherwise: 'refuse',
    doc: 'Whether a file that is done is deleted instead of renamed.',
  }),
  trackingPolicy: choice({
    values: ['rename', 'tracker_dir'],
    default: 'rename',
    otherwise: 'refuse',
    doc: 'Mark files that are done by renaming them, or by an empty file in trackerDir.',
  }),
  trackerDir: string({ default: '.flumespool', doc: 'Directory for positions and markers; a relative path is below spoolDir.' }),
  fileHeader: boolean({ default: false, doc: 'Put the absolute path of the file into a header.' }),
  fileHeaderKey: string({ default: 'file', doc: 'Name of the header for the path.' }),
  basenameHeader: boolean({ default: false, doc: 'Put the name of the file into a header.' }),
  basenameHeaderKey: string({ default: 'basename', doc: 'Name of the header for the name.' }),
  includePattern: pattern('^.*$', 'Regular expression that the whole name of a file must match.'),
  ignorePattern: pattern('^$', 'Regular expression for names of files to leave alone; stronger than includePattern.'),
  consumeOrder: choice({
    values: ['oldest', 'youngest', 'random'],
    default: 'oldest',
    doc: 'Which of the waiting files comes next, by time of modification.',
  }),
  pollDelay: integer({ default: 500, min: 1, outside: 'refuse', doc: 'Milliseconds between two looks at the directory.' }),
  recursiveDirectorySearch: boolean({ default: false, doc: 'Look into subdirectories as well, but those whose name begins with a dot.' }),
  batchSize: integer({ default: 100, min: 1, outside: 'refuse', doc: 'Most events put into the channels at a time.' }),
  maxBackoff: integer({ default: 4000, min: 0, outside: 'refuse', doc: 'Longest pause in milliseconds before a refused batch is put again.' }),
  inputCharset: string({
    default: 'UTF-8',
    bad: 'refuse',
    check: (name) => (isKnownCharset(name) ? undefined : 'is not the name of a character set'),
    doc: 'Character set of the files that LINE reads.',
  }),
  decodeErrorPolicy: choice({
    values: ['FAIL', 'REPLACE', 'IGNORE'],
    default: 'FAIL',
    doc: 'What to do about bytes that are none of inputCharset: stop, put U+FFFD, or leave them out.',
  }),
  deserializer: nested(deserializers, { default: 'LINE', unknownType: 'refuse', doc: 'How a file becomes events.' }),
  bufferMaxLineLength: optional(
    integer({ min: 1, outside: 'refuse', doc: 'Old name of deserializer.maxLineLength, and stronger than it.' }),
  ),
  bufferMaxLines: ignored({ doc: 'has no effect any more' }),
};

export type SpoolSettings = Values<typeof options>;

export const spooldirSource = define('source', {
  types: ['spooldir', 'org.apache.flume.source.SpoolDirectorySource'],
  summary: 'Reads the files that are moved into a directory, each once, and renames or deletes them when they are done.',
  options,
  batchSizeOption: 'batchSize',
  async create(context, values) {
    const { createSpoolSource } = await import('./create.ts');
    return createSpoolSource(context, values);
  },
});

function pattern(fallback: string, doc: string) {
  return string({ default: fallback, bad: 'refuse', check: regexFault, doc });
}
