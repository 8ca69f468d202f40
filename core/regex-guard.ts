import { stepsPerText } from './java-regex.ts';
import type { JavaRegex, StepBudget } from './java-regex.ts';

/**
 * Keeps regular expressions from blocking the event loop, whatever the text.
 *
 * - What V8 runs goes over to its breadth-first engine after a few hundred backtracks, whose time grows with the text only
 *   (`enableLinearRegexes`). Expressions of `compileJavaRegex` are translated so that this engine can take every one of them.
 * - What V8 cannot say, or not in that engine, is run by a machine that counts its steps (`JavaRegex.slowBecause` tells why), and gives up
 *   with a `RegexTimeoutError`: the caller puts that one event aside and goes on.
 *
 * A time limit by `node:vm` was measured too: it needs a context and a watchdog thread per call, cannot tell which text of a batch took
 * the time, and interrupts by the clock, so that a slow machine would put aside what a fast one lets pass.
 */

/**
 * Switches V8's fall-back on, for the whole process. To be called once at the start, before other code has run its regular expressions:
 * V8 reads the setting when it prepares an expression. Calling it again does no harm.
 */
export function enableLinearRegexes(backtracks = 500): void {
  process.getBuiltinModule('node:v8').setFlagsFromString(`--regexp-backtracks-before-fallback=${backtracks}`);
  process.getBuiltinModule('node:v8').setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
}

/** Steps that the texts of one batch may take together in the machine, beyond what each may take anyway. */
export const stepsPerBatch = stepsPerText;

/**
 * The allowance of a batch, so that a thousand bad texts do not block for a thousand times the time of one. Make one per call of
 * `intercept`, and hand `of(text)` to the methods of `JavaRegex`.
 *
 *     const allowance = new BatchAllowance();
 *     for (…) try { keep = regex.test(text, allowance.of(text)) } catch (error) { if (!(error instanceof RegexTimeoutError)) throw error; … }
 */
export class BatchAllowance {
  #shared = stepsPerBatch;
  #granted = 0;
  readonly #budget: StepBudget = { left: 0 };

  /** The budget of the next text; the one before it must not be used any more. */
  of(text: string): StepBudget {
    this.#shared -= Math.max(0, this.#granted - this.#budget.left - this.#free);
    // Enough for any expression that does not go wild, however much its neighbours have used up.
    this.#free = 1_000 + 20 * text.length;
    this.#granted = Math.min(stepsPerText, this.#free + Math.max(0, this.#shared));
    this.#budget.left = this.#granted;
    return this.#budget;
  }

  #free = 0;
}

/** True if the time of the expression grows no faster than the text. */
export function isLinear(regex: JavaRegex): boolean {
  return regex.slowBecause === undefined;
}

/** A sentence for the start of the agent if some texts may have to be put aside; `undefined` if there is nothing to warn about. */
export function regexWarning(regex: JavaRegex): string | undefined {
  if (regex.slowBecause === undefined || !regex.hasNestedLoops) return undefined;
  return (
    `the regular expression ${JSON.stringify(regex.source)} repeats what is itself repeated, and cannot be run in linear time because ` +
    `${regex.slowBecause}: texts for which it takes too long are put aside; write it without nesting the repetitions`
  );
}
