import type { Batch } from '../core/batch.ts';
import type { Interceptor, PartContext } from '../core/component.ts';
import { define, type Finding } from '../core/define.ts';
import { compileJavaRegex, javaSplit } from '../core/java-regex.ts';
import { optional, string } from '../core/options.ts';
import { regexFault } from '../core/option-groups.ts';
import { BoundedRegex, slowRegex } from './bounded-regex.ts';

/** Names that the expression was asked about; those of attackers must not fill the memory. */
const MOST_KNOWN_NAMES = 1000;

export const removeHeaderInterceptor = define('interceptor', {
  types: ['remove_header', 'org.apache.flume.interceptor.RemoveHeaderInterceptor$Builder'],
  summary: 'Removes headers by name, from a list, or by a regular expression.',
  options: {
    withName: optional(string({ doc: 'Header to remove.' })),
    fromList: optional(string({ doc: 'Headers to remove, separated by fromListSeparator.' })),
    fromListSeparator: string({ default: '\\s*,\\s*', doc: 'Regular expression, in Java syntax, that separates the names of fromList.' }),
    matching: optional(string({ check: regexFault, doc: 'Regular expression, in Java syntax: headers whose whole name matches are removed.' })),
  },
  check: ({ fromList, fromListSeparator, matching }) => [
    ...checkSeparator(fromList, fromListSeparator),
    ...(matching === undefined ? [] : slowRegex('matching', matching)),
  ],
  create: (context, values) => new RemoveHeader(context, values),
});

/** Flume uses the separator when there is something to separate, and drops the source if it cannot. */
function checkSeparator(fromList: string | undefined, separator: string): readonly Finding[] {
  const sentence = fromList === undefined ? undefined : regexFault(separator);
  return sentence === undefined ? [] : [{ option: 'fromListSeparator', effect: 'drop', sentence }];
}

interface RemoveHeaderSettings {
  readonly withName: string | undefined;
  readonly fromList: string | undefined;
  readonly fromListSeparator: string;
  readonly matching: string | undefined;
}

class RemoveHeader implements Interceptor {
  readonly #names: ReadonlySet<string>;
  readonly #matching: BoundedRegex | undefined;
  readonly #known = new Map<string, boolean>();
  readonly #removes = (name: string): boolean => this.#names.has(name) || this.#matches(name);

  constructor(context: PartContext, { withName, fromList, fromListSeparator, matching }: RemoveHeaderSettings) {
    const listed = fromList === undefined ? [] : javaSplit(fromList, compileJavaRegex(fromListSeparator));
    this.#names = new Set(withName === undefined ? listed : [withName, ...listed]);
    this.#matching = matching === undefined ? undefined : new BoundedRegex(matching, context);
  }

  intercept(batch: Batch): Batch {
    this.#matching?.begin();
    return batch.withoutHeaders(this.#removes);
  }

  /** Asked when somebody wants headers, which may be long after the batch has passed. */
  #matches(name: string): boolean {
    if (!this.#matching) return false;
    let matches = this.#known.get(name);
    if (matches === undefined) {
      matches = this.#matching.matches(name);
      this.#matching.end();
      if (this.#known.size >= MOST_KNOWN_NAMES) this.#known.clear();
      this.#known.set(name, matches);
    }
    return matches;
  }
}
