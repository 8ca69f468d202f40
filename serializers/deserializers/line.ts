import { isKnownCharset } from '../../core/charset.ts';
import { define } from '../../core/define.ts';
import { integer, string } from '../../core/options.ts';

export const lineDeserializer = define('deserializer', {
  types: ['LINE', 'org.apache.flume.serialization.LineDeserializer$Builder'],
  summary: 'Makes an event of each line; lines end with a line feed, the last one with the file.',
  options: {
    maxLineLength: integer({
      default: 2048,
      min: 1,
      unreadable: 'refuse',
      outside: 'refuse',
      doc: 'Longest line in UTF-16 units; a longer one becomes several events.',
    }),
    outputCharset: string({
      default: 'UTF-8',
      bad: 'refuse',
      check: (name) => (isKnownCharset(name) ? undefined : 'is not the name of a character set'),
      doc: 'Character set of the bodies.',
    }),
  },
  create: async ({ charset, decodeErrorPolicy, maxLineLength: stronger }, { maxLineLength, outputCharset }) => {
    // Loaded by agents that read lines.
    const { openLines } = await import('./line-reader.ts');
    const rules = { charset, outputCharset, policy: decodeErrorPolicy, longest: stronger ?? maxLineLength };
    return { open: (file, from) => openLines(file, from, rules) };
  },
});
