import type { PartContext } from '../core/component.ts';
import type { Finding } from '../core/define.ts';
import { compileJavaRegex, RegexTimeoutError } from '../core/java-regex.ts';
import type { CompiledReplacement, JavaMatch, JavaRegex } from '../core/java-regex.ts';
import { BatchAllowance, regexWarning } from '../core/regex-guard.ts';

/** What all expressions of the process share until the event loop has been round: it is the loop that must not wait. */
let ofThisTurn: BatchAllowance | undefined;

/**
 * Asks one regular expression about the texts of a batch, between `begin` and `end`, without ever blocking for long: a hostile text, or
 * a thousand of them, is given up. Whoever asks then goes on as if nothing had matched, so that no event is lost by it.
 */
export class BoundedRegex {
  readonly regex: JavaRegex;
  readonly #context: PartContext;
  #allowance = new BatchAllowance();
  #givenUp = 0;
  #reason = '';

  constructor(source: string, context: PartContext) {
    this.regex = compileJavaRegex(source);
    this.#context = context;
  }

  begin(): void {
    if (!ofThisTurn) {
      ofThisTurn = new BatchAllowance();
      setImmediate(() => (ofThisTurn = undefined));
    }
    this.#allowance = ofThisTurn;
  }

  /** `undefined`: given up. */
  test(text: string): boolean | undefined {
    try {
      return this.regex.test(text, this.#allowance.of(text));
    } catch (error) {
      this.#giveUp(error);
      return undefined;
    }
  }

  /** Whether all of the text matches; false if given up. */
  matches(text: string): boolean {
    try {
      return this.regex.matches(text, this.#allowance.of(text));
    } catch (error) {
      this.#giveUp(error);
      return false;
    }
  }

  /** The first match; none if given up. */
  find(text: string): JavaMatch | undefined {
    try {
      return this.regex.find(text, 0, this.#allowance.of(text));
    } catch (error) {
      this.#giveUp(error);
      return undefined;
    }
  }

  /** Every match replaced; the text itself if given up. */
  replaceAll(text: string, replacement: CompiledReplacement): string {
    try {
      return this.regex.replaceAll(text, replacement, this.#allowance.of(text));
    } catch (error) {
      this.#giveUp(error);
      return text;
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

  #giveUp(error: unknown): void {
    if (!(error instanceof RegexTimeoutError)) throw error;
    this.#givenUp++;
    this.#reason = error.message;
  }
}

/** A warning for an expression that some texts can make slow. */
export function slowRegex(option: string, source: string): readonly Finding[] {
  const regex = compileJavaRegex(source);
  if (regexWarning(regex) === undefined) return [];
  const sentence =
    `repeats what is itself repeated, and cannot be run in linear time because ${regex.slowBecause}; ` +
    'events for which it takes too long pass as if it had not matched';
  return [{ option, effect: 'warn', sentence }];
}
