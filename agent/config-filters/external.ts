import { isKnownCharset, textReader } from '../../core/charset.ts';
import { define } from '../../core/define.ts';
import { integer, string } from '../../core/options.ts';
import { javaWhitespaceSplit } from '../../core/java-values.ts';
import { runForOutput } from '../../io/run-for-output.ts';

/** Most bytes a program may print for one key. */
const MOST_BYTES = 64 * 1024;

/**
 * Flume's `ExternalProcessConfigFilter` (part 1 §1.10): runs `<command words…> <key>` without a shell, and takes the first line it prints.
 * Unlike Flume's it reads while the program runs, and gives up after a time.
 */
export const externalFilter = define('config filter', {
  types: ['external', 'org.apache.flume.configfilter.ExternalProcessConfigFilter'],
  summary: 'Takes the values of ${filter[key]} from the output of a program.',
  options: {
    command: string({ doc: 'Program and arguments, split at blanks, without a shell; the key is added as the last argument.' }),
    charset: string({
      default: 'UTF-8',
      check: (name) => (isKnownCharset(name) ? undefined : 'is not the name of a character set'),
      doc: 'Character set of what the program prints.',
    }),
    timeoutMs: integer({ default: 10_000, min: 1, max: 600_000, unreadable: 'refuse', outside: 'refuse', doc: 'Milliseconds after which the program is ended and the key counts as not found.' }),
  },
  create: (_context, { command, charset, timeoutMs }) => ({
    lookUp: async (key) => {
      const { output } = await runForOutput([...javaWhitespaceSplit(command), key], { timeoutMs, mostBytes: MOST_BYTES });
      const [line = ''] = textReader(charset, false).read(output, true).split(/\r\n|\r|\n/);
      return output.length === 0 ? undefined : line;
    },
  }),
});
