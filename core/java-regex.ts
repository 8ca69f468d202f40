import { AgentError } from './errors.ts';
import { planNative } from './java-regex/emitter.ts';
import type { NativePlan } from './java-regex/emitter.ts';
import { Machine } from './java-regex/machine.ts';
import type { StepBudget } from './java-regex/machine.ts';
import { parseJavaRegex } from './java-regex/parser.ts';
import { compileProgram } from './java-regex/program.ts';
import { parseReplacement } from './java-regex/replacement.ts';
import type { Replacement } from './java-regex/replacement.ts';
import { hasNestedLoops } from './java-regex/syntax.ts';
import type { ParsedRegex } from './java-regex/syntax.ts';

export { PatternSyntaxError } from './java-regex/pattern-reader.ts';
export { RegexTimeoutError } from './java-regex/machine.ts';
export type { StepBudget } from './java-regex/machine.ts';
export type { Replacement } from './java-regex/replacement.ts';

/** A replacement text is wrong, or names a group that there is not. Java says so only when something is replaced, and so do we. */
export class ReplacementError extends AgentError {
  constructor(replacement: string, problem: string) {
    super('M113', `cannot replace by ${JSON.stringify(replacement)}: ${problem}; write $1 for a group and \\$ for a dollar sign`);
  }
}

/** One match. Group 0 is all of it. */
export interface JavaMatch {
  readonly start: number;
  readonly end: number;
  readonly groupCount: number;
  /** The text of a group, by number or name; `undefined` if the group took no part, or if there is none of that number or name. */
  group(which: number | string): string | undefined;
}

/** A replacement text read for one expression. */
export interface CompiledReplacement {
  readonly text: string;
  readonly parsed: Replacement;
}

/**
 * Steps that one text may take in the machine, some 50 ms. Native expressions are bounded by V8's linear engine
 * instead (see `core/regex-guard.ts`).
 */
export const stepsPerText = 3_000_000;

const compiled = new Map<string, JavaRegex>();
const maxCompiled = 500;

/**
 * Compiles a regular expression of Java 17 (`java.util.regex`), or finds it among those compiled before.
 *
 * It matches what Java matches. Not supported, with an error that says so: `\N{name}`, the flag `c` (canonical equivalence), and
 * `\p{In…}` for the rarer Unicode blocks. Classes follow this engine's Unicode version, which is newer than Java 17's.
 * @throws PatternSyntaxError for what Java refuses
 */
export function compileJavaRegex(source: string): JavaRegex {
  let regex = compiled.get(source);
  if (!regex) {
    regex = new JavaRegex(source, parseJavaRegex(source));
    if (compiled.size >= maxCompiled) compiled.clear();
    compiled.set(source, regex);
  }
  return regex;
}

/** A replacement text such as `$1-${name}\$` for `regex`. Errors in it show when it is used, as in Java. */
export function compileJavaReplacement(text: string, regex: JavaRegex): CompiledReplacement {
  return { text, parsed: parseReplacement(text, regex.groupCount, regex.groupNames) };
}

/** Splits as Java's `text.split(separator)`: no empty pieces at the end, none at the beginning from an empty match. */
export function javaSplit(text: string, separator: JavaRegex): string[] {
  const pieces: string[] = [];
  let begin = 0;
  for (const match of separator.findAll(text)) {
    if (match.end === 0) continue;
    pieces.push(text.slice(begin, match.start));
    begin = match.end;
  }
  if (begin === 0 && pieces.length === 0) return [text];
  pieces.push(text.slice(begin));
  while (pieces.length > 0 && pieces[pieces.length - 1] === '') pieces.pop();
  return pieces;
}

/**
 * A compiled Java regular expression. Stateless to the caller. Every method may throw `RegexTimeoutError` if the text would take too
 * long; with a `budget` the steps are taken from that instead of from an allowance of the text's own.
 */
export class JavaRegex {
  readonly source: string;
  readonly groupCount: number;
  readonly groupNames: ReadonlyMap<string, number>;
  /** Why the expression is run by our own step-counting machine and not by V8; `undefined` if V8 runs it, in linear time if need be. */
  readonly slowBecause: string | undefined;
  /** Something without a limit is repeated without a limit, or several times. */
  readonly hasNestedLoops: boolean;
  readonly #parsed: ParsedRegex;
  readonly #plan: NativePlan | undefined;
  /** By variant: bit 0 astral, bit 1 tail, bit 2 with `\r\n`. `null`: the machine has to do it. */
  readonly #natives: (RegExp | null | undefined)[] = [];
  readonly #firsts: (RegExp | null | undefined)[] = [];
  readonly #whole: (RegExp | null | undefined)[] = [];
  #machine: Machine | undefined;
  readonly #ownBudget: StepBudget = { left: 0 };

  constructor(source: string, parsed: ParsedRegex) {
    this.source = source;
    this.#parsed = parsed;
    this.groupCount = parsed.groupCount;
    this.groupNames = parsed.groupNames;
    const plan = planNative(parsed);
    this.#plan = typeof plan === 'string' ? undefined : plan;
    this.hasNestedLoops = hasNestedLoops(parsed.root);
    this.slowBecause = typeof plan === 'string' ? plan : undefined;
  }

  /** True if a match is found anywhere in the text. The cheapest question. */
  test(text: string, budget?: StepBudget): boolean {
    const variant = this.#variant(text);
    const native = this.#cached(this.#firsts, variant, 'first');
    if (!native) return this.#run(text, 0, 0, budget);
    if ((variant & 1) !== 0) return this.find(text, 0, budget) !== undefined;
    native.lastIndex = 0;
    return native.test(text);
  }

  /** The first match at or after `from`; `lastEnd` is where `\G` matches. */
  find(text: string, from = 0, budget?: StepBudget, lastEnd = from): JavaMatch | undefined {
    const variant = this.#variant(text);
    const native = from === 0 ? this.#cached(this.#firsts, variant, 'first') : this.#cached(this.#natives, variant, 'any');
    if (!native) return this.#run(text, from, lastEnd, budget) ? this.#fromMachine(text) : undefined;
    native.lastIndex = from;
    const found = native.exec(text);
    if (!found) return undefined;
    // Java passes over empty matches within a surrogate pair.
    if ((variant & 1) !== 0 && found.index > from && (text.codePointAt(found.index - 1) ?? 0) > 0xffff) {
      return this.find(text, found.index + 1, budget, lastEnd);
    }
    return new NativeMatch(found, this, (variant >> 1) & 1);
  }

  /** True if all of the text matches. */
  matches(text: string, budget?: StepBudget): boolean {
    return this.match(text, budget) !== undefined;
  }

  /** The match if all of the text matches. */
  match(text: string, budget?: StepBudget): JavaMatch | undefined {
    const variant = this.#variant(text);
    const native = this.#cached(this.#whole, variant, 'whole');
    if (!native) return this.#run(text, 0, 0, budget, true) ? this.#fromMachine(text) : undefined;
    const found = native.exec(text);
    return found ? new NativeMatch(found, this, 0) : undefined;
  }

  /** All matches, one after the other, as repeated `find` gives them. */
  findAll(text: string, budget?: StepBudget): JavaMatch[] {
    const all: JavaMatch[] = [];
    let from = 0;
    let lastEnd = 0;
    while (from <= text.length) {
      const match = this.find(text, from, budget, lastEnd);
      if (!match) break;
      all.push(match);
      lastEnd = match.end;
      from = match.end === match.start ? match.end + 1 : match.end;
    }
    return all;
  }

  /**
   * Every match replaced.
   * @throws ReplacementError if there is a match and the replacement is wrong
   */
  replaceAll(text: string, replacement: string | CompiledReplacement, budget?: StepBudget): string {
    const { text: wording, parsed } = typeof replacement === 'string' ? compileJavaReplacement(replacement, this) : replacement;
    let result = '';
    let copied = 0;
    let from = 0;
    let lastEnd = 0;
    while (from <= text.length) {
      const match = this.find(text, from, budget, lastEnd);
      if (!match) break;
      if (parsed.problem !== undefined) throw new ReplacementError(wording, parsed.problem);
      result += text.slice(copied, match.start);
      for (const part of parsed.parts) result += typeof part === 'string' ? part : (match.group(part) ?? '');
      copied = match.end;
      lastEnd = match.end;
      from = match.end === match.start ? match.end + 1 : match.end;
    }
    return copied === 0 && result === '' ? text : result + text.slice(copied);
  }

  /** Which native expression fits the text; -1: none. */
  #variant(text: string): number {
    const plan = this.#plan;
    if (!plan || (plan.dependsOnAscii && /[\u0080-\uffff]/.test(text))) return -1;
    return (plan.dependsOnAstral && /[\ud800-\udfff]/.test(text) ? 1 : 0) | (plan.dependsOnTail ? tailOf(text) : 0);
  }

  #cached(cache: (RegExp | null | undefined)[], variant: number, use: Use): RegExp | null {
    if (variant < 0) return null;
    let native = cache[variant];
    if (native === undefined) cache[variant] = native = this.#compile(variant, use);
    return native;
  }

  #compile(variant: number, use: Use): RegExp | null {
    const wanted = { astral: (variant & 1) !== 0, tail: (variant & 2) !== 0, crLf: (variant & 4) !== 0 };
    const plan = this.#plan;
    const source = plan?.emit(wanted);
    if (!plan || source === undefined || (use === 'any' && plan.looksBehind)) return null;
    // Where there is a source for texts with a line end, `$` comes last, and all of the text then means the very end.
    if (use === 'whole') return new RegExp(`^(?:${plan.emit({ ...wanted, tail: false }) ?? source})$`);
    const sieve = use === 'first' ? plan.sieve(wanted) : '';
    if (sieve !== '') return new RegExp(`${sieve}(?:${source})`);
    return new RegExp(source, plan.looksBehind ? '' : 'g');
  }

  #run(text: string, from: number, lastEnd: number, budget: StepBudget | undefined, whole = false): boolean {
    this.#machine ??= new Machine(compileProgram(this.#parsed, this.source), this.source);
    this.#ownBudget.left = stepsPerText;
    return this.#machine.find(text, from, lastEnd, budget ?? this.#ownBudget, whole);
  }

  #fromMachine(text: string): JavaMatch {
    const registers = this.#machine?.registers ?? new Int32Array(0);
    return new MachineMatch(text, registers.slice(0, 2 * (this.groupCount + 1)), this);
  }
}

/** The first match of a text, any match from some place on, or a match of all of it. */
type Use = 'first' | 'any' | 'whole';

/** The bits of the variant for the line terminator that the text ends with. */
function tailOf(text: string): number {
  const last = text.length === 0 ? 0 : text.charCodeAt(text.length - 1);
  if (last === 10) return text.length > 1 && text.charCodeAt(text.length - 2) === 13 ? 6 : 2;
  return last === 13 || last === 0x85 || last === 0x2028 || last === 0x2029 ? 2 : 0;
}

class NativeMatch implements JavaMatch {
  readonly start: number;
  readonly end: number;
  readonly groupCount: number;
  readonly #found: RegExpExecArray;
  readonly #regex: JavaRegex;
  readonly #shift: number;

  constructor(found: RegExpExecArray, regex: JavaRegex, shift: number) {
    this.#found = found;
    this.#regex = regex;
    this.#shift = shift;
    this.start = found.index;
    this.end = found.index + (found[shift] ?? '').length;
    this.groupCount = regex.groupCount;
  }

  group(which: number | string): string | undefined {
    const index = typeof which === 'number' ? which : this.#regex.groupNames.get(which);
    return index === undefined || index < 0 ? undefined : this.#found[index + this.#shift];
  }
}

class MachineMatch implements JavaMatch {
  readonly start: number;
  readonly end: number;
  readonly groupCount: number;
  readonly #text: string;
  readonly #bounds: Int32Array;
  readonly #regex: JavaRegex;

  constructor(text: string, bounds: Int32Array, regex: JavaRegex) {
    this.#text = text;
    this.#bounds = bounds;
    this.#regex = regex;
    this.start = bounds[0] ?? 0;
    this.end = bounds[1] ?? 0;
    this.groupCount = regex.groupCount;
  }

  group(which: number | string): string | undefined {
    const index = typeof which === 'number' ? which : this.#regex.groupNames.get(which);
    const begin = index === undefined ? -1 : (this.#bounds[2 * index] ?? -1);
    return index === undefined || begin < 0 ? undefined : this.#text.slice(begin, this.#bounds[2 * index + 1]);
  }
}
