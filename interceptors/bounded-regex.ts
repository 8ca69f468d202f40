import type { PartContext } from '../core/component.ts';
import type { Finding } from '../core/define.ts';
import {
  compileJavaRegex,
  PatternSyntaxError,
  RegexTimeoutError,
  type CompiledReplacement,
  type JavaMatch,
  type JavaRegex,
  type StepBudget,
} from '../core/java-regex.ts';

/** Every text may take this many steps, and so many for each of its characters. */
const STEPS_PER_TEXT = 1000;
const STEPS_PER_CHARACTER = 16;
/** What the difficult texts of one batch may take on top of that, together: about 100 ms. */
const EXTRA_STEPS_PER_BATCH = 4_000_000;

/**
 * Asks one regular expression about the texts of a batch, between `begin` and `end`, without ever blocking for long: a hostile text, or
 * a thousand of them, is given up. Whoever asks then goes on as if nothing had matched, so that no event is lost by it.
 */
export class BoundedRegex {
  readonly regex: JavaRegex;
  readonly #context: PartContext;
  readonly #budget: StepBudget = { left: 0 };
  #given = 0;
  #extra = 0;
  #givenUp = 0;
  #reason = '';

  constructor(source: string, context: PartContext) {
    this.regex = compileJavaRegex(source);
    this.#context = context;
  }

  begin(): void {
    this.#extra = EXTRA_STEPS_PER_BATCH;
  }

  /** `undefined`: given up. */
  test(text: string): boolean | undefined {
    try {
      return this.regex.test(text, this.#allow(text));
    } catch (error) {
      this.#giveUp(error);
      return undefined;
    } finally {
      this.#settle(text);
    }
  }

  /** Whether all of the text matches; false if given up. */
  matches(text: string): boolean {
    try {
      return this.regex.matches(text, this.#allow(text));
    } catch (error) {
      this.#giveUp(error);
      return false;
    } finally {
      this.#settle(text);
    }
  }

  /** The first match; none if given up. */
  find(text: string): JavaMatch | undefined {
    try {
      return this.regex.find(text, 0, this.#allow(text));
    } catch (error) {
      this.#giveUp(error);
      return undefined;
    } finally {
      this.#settle(text);
    }
  }

  /** Every match replaced; the text itself if given up. */
  replaceAll(text: string, replacement: CompiledReplacement): string {
    try {
      return this.regex.replaceAll(text, replacement, this.#allow(text));
    } catch (error) {
      this.#giveUp(error);
      return text;
    } finally {
      this.#settle(text);
    }
  }

  /** Counts and reports the texts that were given up. */
  end(): void {
    if (this.#givenUp === 0) return;
    this.#context.count('RegexGivenUpCount', this.#givenUp);
    this.#context.log.warn('regular expression takes too long for some texts; they pass as if it had not matched', {
      texts: this.#givenUp,
      reason: this.#reason,
    });
    this.#givenUp = 0;
  }

  #allow(text: string): StepBudget {
    this.#given = allowance(text) + this.#extra;
    this.#budget.left = this.#given;
    return this.#budget;
  }

  #settle(text: string): void {
    const used = this.#given - this.#budget.left;
    this.#extra = Math.max(0, this.#extra - Math.max(0, used - allowance(text)));
  }

  #giveUp(error: unknown): void {
    if (!(error instanceof RegexTimeoutError)) throw error;
    this.#givenUp++;
    this.#reason = error.message;
  }
}

/** What is wrong with a regular expression, completing "value … of regex"; `undefined` if nothing is. */
export function regexFault(source: string): string | undefined {
  try {
    compileJavaRegex(source);
    return undefined;
  } catch (error) {
    if (error instanceof PatternSyntaxError) return `cannot be used: ${error.message}`;
    throw error;
  }
}

/** A warning for an expression that some texts can make slow. */
export function slowRegex(option: string, source: string): readonly Finding[] {
  const reason = compileJavaRegex(source).slowBecause;
  if (reason === undefined) return [];
  return [{ option, effect: 'warn', sentence: `is slow (${reason}); events for which it takes too long pass as if it had not matched` }];
}

function allowance(text: string): number {
  return STEPS_PER_TEXT + STEPS_PER_CHARACTER * text.length;
}
