/**
 * `${…}` in values (part 1 §1.3): what `StringSubstitutor` of Apache Commons Text 1.9 does with its default settings, nesting in names
 * switched on. Written from the described behaviour: text is scanned from the left; a name is substituted before it is looked up; what
 * comes out is scanned again; `:-` gives a default; `$${` is a literal `${`; what nothing resolves stays as it stands.
 */

export interface Found {
  readonly value: string;
  /** Scanned for further expressions, as Flume does with all text; `false` keeps it as plain data. */
  readonly rescan: boolean;
  readonly secret: boolean;
}

/** `undefined`: nothing of that name. Throws InterpolationError for what is fatal. */
export type LookUp = (name: string) => Found | undefined;

export interface Interpolated {
  readonly value: string;
  /** Expressions, with their braces, that nothing resolved. */
  readonly unresolved: readonly string[];
  /** Some of the text came from a place that holds secrets. */
  readonly secret: boolean;
}

export class InterpolationError extends Error {
  /** The expression's name. */
  readonly variable: string;

  constructor(variable: string, message: string) {
    super(message);
    this.name = 'InterpolationError';
    this.variable = variable;
  }
}

/** Deeper nesting than this is a loop that never repeats a name. */
const MOST_DEPTH = 100;
/** Longest result, and most look-ups for one value: chains of doubling references stop here. */
const MOST_LENGTH = 1 << 20;
const MOST_LOOKUPS = 10_000;

/** Throws InterpolationError for loops and fatal look-ups. */
export function interpolate(text: string, lookUp: LookUp): Interpolated {
  if (!text.includes('${')) return { value: text, unresolved: [], secret: false };
  const run: Run = { lookUp, unresolved: [], kept: [], secret: false, lookups: 0 };
  const value = substitute(text, run, [text], 0);
  return { value: restore(value, run.kept), unresolved: run.unresolved.map((name) => restore(name, run.kept)), secret: run.secret };
}

interface Run {
  readonly lookUp: LookUp;
  readonly unresolved: string[];
  /** Texts that must not be scanned again; a mark stands for them until the end. */
  readonly kept: string[];
  secret: boolean;
  lookups: number;
}

/** Halves of surrogate pairs in the wrong order: no text that means anything holds them. */
const MARK = /\udc00(\d+)\ud800/g;

function restore(text: string, kept: readonly string[]): string {
  return kept.length === 0 ? text : text.replace(MARK, (_mark, index: string) => kept[Number(index)] ?? '');
}

function substitute(text: string, run: Run, prior: readonly string[], depth: number): string {
  if (depth > MOST_DEPTH) throw new InterpolationError(prior[1] ?? '', `"${prior[1] ?? ''}" is nested too deeply`);
  let out = '';
  let at = 0;
  while (at < text.length) {
    const begin = text.indexOf('${', at);
    if (begin < 0) break;
    out += text.slice(at, begin);
    if (out.endsWith('$')) {
      // `$${`: one dollar goes, and the scan goes on behind the other.
      at = begin + 1;
      continue;
    }
    const end = closing(text, begin + 2);
    if (end < 0) return out + text.slice(begin);
    out += resolve(text.slice(begin + 2, end), run, prior, depth);
    at = end + 1;
    if (out.length > MOST_LENGTH) throw new InterpolationError(prior[1] ?? '', 'the value grows beyond a million characters');
  }
  return out + text.slice(at);
}

/** Index of the brace that closes the expression whose inside begins at `from`; −1 without one. */
function closing(text: string, from: number): number {
  let nested = 0;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('${', at)) {
      nested++;
      at++;
    } else if (text[at] === '}') {
      if (nested === 0) return at;
      nested--;
    }
  }
  return -1;
}

function resolve(inside: string, run: Run, prior: readonly string[], depth: number): string {
  const unresolvedBefore = run.unresolved.length;
  const expression = substitute(inside, run, [inside], depth + 1);
  const inner = run.unresolved.splice(unresolvedBefore);
  const delimiter = expression.indexOf(':-');
  const name = restore(delimiter < 0 ? expression : expression.slice(0, delimiter), run.kept);
  if (prior.includes(name)) {
    throw new InterpolationError(name, `"${name}" refers to itself: ${[...prior.slice(1), name].join(' > ')}`);
  }
  if (++run.lookups > MOST_LOOKUPS) throw new InterpolationError(prior[1] ?? name, 'the value grows without end');
  const found = run.lookUp(name);
  if (found?.secret) run.secret = true;
  if (found) {
    if (!found.rescan && found.value.includes('${')) {
      run.kept.push(found.value);
      return `\udc00${run.kept.length - 1}\ud800`;
    }
    return found.value.includes('${') ? substitute(found.value, run, [...prior, name], depth + 1) : found.value;
  }
  if (delimiter >= 0) {
    return substitute(expression.slice(delimiter + 2), run, [...prior, name], depth + 1);
  }
  // Where the name itself has a part that nothing resolved, that part is the reason.
  run.unresolved.push(...(inner.length > 0 ? inner : [`\${${name}}`]));
  // Flume leaves the expression as it was written, nested ones unresolved.
  return `\${${inside}}`;
}
