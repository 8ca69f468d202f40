import type { Batch } from '../core/batch.ts';
import { encodeText, isKnownCharset, isUtf8Charset, textReader } from '../core/charset.ts';
import type { Interceptor, PartContext } from '../core/component.ts';
import { define, type Finding } from '../core/define.ts';
import { compileJavaRegex, compileJavaReplacement, type CompiledReplacement } from '../core/java-regex.ts';
import { string } from '../core/options.ts';
import { regexFault } from '../core/option-groups.ts';
import { BodyTexts } from './body-texts.ts';
import { BoundedRegex, slowRegex } from './bounded-regex.ts';

export const searchReplaceInterceptor = define('interceptor', {
  types: ['search_replace', 'org.apache.flume.interceptor.SearchAndReplaceInterceptor$Builder'],
  summary: 'Replaces every match of a regular expression in the body.',
  options: {
    searchPattern: string({ check: regexFault, doc: 'Regular expression, in Java syntax.' }),
    replaceString: string({ default: '', doc: 'What stands in its place: $1 or ${name} for a group, \\ before a character that stands for itself.' }),
    charset: string({
      default: 'UTF-8',
      check: (name) => (isKnownCharset(name) ? undefined : 'is not the name of a character set'),
      doc: 'Character set of the bodies; bytes that are none of it are replaced.',
    }),
  },
  check: ({ searchPattern, replaceString }) => [...slowRegex('searchPattern', searchPattern), ...replacementFault(searchPattern, replaceString)],
  create: (context, values) => new SearchReplace(context, values),
});

interface SearchReplaceSettings {
  readonly searchPattern: string;
  readonly replaceString: string;
  readonly charset: string;
}

/** A body that the expression takes too long for stays as it is. */
class SearchReplace implements Interceptor {
  readonly #regex: BoundedRegex;
  readonly #replacement: CompiledReplacement;
  readonly #charset: string;
  readonly #utf8: boolean;

  constructor(context: PartContext, { searchPattern, replaceString, charset }: SearchReplaceSettings) {
    this.#regex = new BoundedRegex(searchPattern, context);
    this.#replacement = compileJavaReplacement(replaceString, this.#regex.regex);
    this.#charset = charset;
    this.#utf8 = isUtf8Charset(charset);
  }

  intercept(batch: Batch): Batch {
    const textAt = this.#utf8 ? utf8Texts(batch) : charsetTexts(batch, this.#charset);
    let bodies: Buffer[] | undefined;
    this.#regex.begin();
    for (let index = 0; index < batch.size; index++) {
      const text = textAt(index);
      const result = this.#regex.replaceAll(text, this.#replacement);
      const same = result === text && this.#utf8 && !text.includes('\ufffd');
      if (same && !bodies) continue;
      bodies ??= Array.from({ length: index }, (_, earlier) => batch.body(earlier));
      bodies.push(same ? batch.body(index) : this.#encode(result));
    }
    this.#regex.end();
    return bodies ? batch.withBodies(bodies) : batch;
  }

  #encode(text: string): Buffer {
    return this.#utf8 ? Buffer.from(text) : encodeText(text, this.#charset);
  }
}

function utf8Texts(batch: Batch): (index: number) => string {
  const texts = new BodyTexts(batch);
  return (index) => texts.at(index);
}

function charsetTexts(batch: Batch, charset: string): (index: number) => string {
  return (index) => textReader(charset, false).read(batch.body(index), true);
}

/** Flume finds out at the first match, and then at every attempt to deliver the batch. */
function replacementFault(searchPattern: string, replaceString: string): readonly Finding[] {
  const { problem } = compileJavaReplacement(replaceString, compileJavaRegex(searchPattern)).parsed;
  if (problem === undefined) return [];
  const sentence = `is not a replacement text (${problem}): every match would fail; write $1 for a group and \\\\$ for a dollar sign`;
  return [{ option: 'replaceString', effect: 'refuse', sentence }];
}
