import type { Batch } from '../core/batch.ts';
import type { Interceptor, PartContext } from '../core/component.ts';
import { define } from '../core/define.ts';
import { boolean, string } from '../core/options.ts';
import { regexFault } from '../core/option-groups.ts';
import { BodyTexts } from './body-texts.ts';
import { BoundedRegex, slowRegex } from './bounded-regex.ts';

export const regexFilterInterceptor = define('interceptor', {
  types: ['regex_filter', 'org.apache.flume.interceptor.RegexFilteringInterceptor$Builder'],
  summary: 'Keeps, or drops, the events in whose body a regular expression is found.',
  options: {
    regex: string({ default: '.*', check: regexFault, doc: 'Regular expression, in Java syntax, that is searched for anywhere in the body.' }),
    excludeEvents: boolean({ default: false, doc: 'Drop the events that match; false: drop those that do not.' }),
  },
  check: ({ regex }) => slowRegex('regex', regex),
  create: (context, values) => new RegexFilter(context, values),
});

/** An event that the expression takes too long for is kept. */
class RegexFilter implements Interceptor {
  readonly #regex: BoundedRegex;
  readonly #exclude: boolean;

  constructor(context: PartContext, { regex, excludeEvents }: { regex: string; excludeEvents: boolean }) {
    this.#regex = new BoundedRegex(regex, context);
    this.#exclude = excludeEvents;
  }

  intercept(batch: Batch): Batch {
    const texts = new BodyTexts(batch);
    const kept = new Uint32Array(batch.size);
    let size = 0;
    this.#regex.begin();
    for (let index = 0; index < batch.size; index++) {
      const found = this.#regex.test(texts.at(index));
      if (found !== this.#exclude) kept[size++] = index;
    }
    this.#regex.end();
    return size === batch.size ? batch : batch.select(kept.subarray(0, size));
  }
}
