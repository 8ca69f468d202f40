/**
 * The values a properties file can give a component: how each is read, what it means and what Flume makes of a bad one. An option is
 * spelled exactly as in the file. The table of a definition yields typed values, all problems at once, `help` and the docs.
 */

/**
 * What follows from a bad value. `drop`: Flume 1.11 drops the component, so the agent refuses the file. `refuse`: Flume would run on, at
 * the price of data or sense, and the agent refuses all the same. `warn`: both run; the sentence says with what.
 */
export type Effect = 'drop' | 'refuse' | 'warn';

export interface BadValue {
  readonly effect: Effect;
  /** Completes "value "abc" of batchSize …", for example `is not a whole number`. */
  readonly sentence: string;
}

export interface Reading<T> {
  /** Absent when there is no value to go on with. */
  readonly value?: T;
  readonly bad?: BadValue;
}

export type Shape = 'text' | 'whole number' | 'number' | 'true or false' | 'one of' | 'list' | 'prefix' | 'nested' | 'ignored';

export interface Option<T> {
  readonly shape: Shape;
  /** One sentence: what it does, in which unit. */
  readonly doc: string;
  readonly required: boolean;
  readonly fallback: T | undefined;
  /** For docs: `1 to 60`, or the choices. */
  readonly allowed?: string;
  /** Never printed. */
  readonly secret: boolean;
  /** Other spellings that mean the same; the option's own wins. */
  readonly aliases: readonly string[];
  /** What a missing required option means; Flume drops the component unless it says otherwise. */
  readonly missing: Effect;
  /** `raw` was trimmed by the reader of the file and is not empty. */
  read(raw: string): Reading<T>;
}

interface Common {
  readonly doc: string;
  readonly secret?: boolean;
  readonly aliases?: readonly string[];
  readonly missing?: Effect;
}

/** Text. `check` says what is wrong with a value: a sentence that completes "value "…" of bind …". */
export function string(
  spec: Common & { default?: string; check?: (value: string) => string | undefined; bad?: Effect },
): Option<string> {
  return option('text', spec, spec.default, undefined, (raw) => {
    const sentence = spec.check?.(raw);
    return sentence ? { value: raw, bad: { effect: spec.bad ?? 'drop', sentence } } : { value: raw };
  });
}

interface Range {
  readonly default?: number;
  readonly min?: number;
  readonly max?: number;
  /** What Flume does with text that is no number: `drop`, or `warn` where it falls back to the default. */
  readonly unreadable?: Effect;
  /** The same for a number out of range. With `warn` the default is used. */
  readonly outside?: Effect;
  /** 64 bits instead of 32. */
  readonly long?: boolean;
}

/** A Java `int` (or `long`): optional sign and decimal digits. Longs beyond 2^53 − 1 are brought down to it. */
export function integer(spec: Common & Range): Option<number> {
  const { min, max } = spec;
  return option('whole number', spec, spec.default, rangeText(min, max), (raw) => {
    const value = parseWhole(raw, spec.long ?? false);
    if (value === undefined) {
      const sentence = `is not a whole number${spec.long ? '' : ' of 32 bits'}`;
      return fallBack(spec.unreadable, sentence, spec.default);
    }
    if ((min !== undefined && value < min) || (max !== undefined && value > max)) {
      const sentence = outsideText(value, min, max);
      // What we refuse, Flume goes on with: its verdict needs the value as it is.
      return spec.outside === 'refuse' ? { value, bad: { effect: 'refuse', sentence } } : fallBack(spec.outside, sentence, spec.default);
    }
    return { value };
  });
}

/** True only for the text `true` in any case, as in Flume; anything but `true` and `false` is warned of. */
export function boolean(spec: Common & { default?: boolean }): Option<boolean> {
  return option('true or false', spec, spec.default, undefined, (raw) => {
    const text = raw.toLowerCase();
    if (text === 'true' || text === 'false') return { value: text === 'true' };
    return { value: false, bad: { effect: 'warn', sentence: 'is read as false: only "true" means true' } };
  });
}

/**
 * One of `values`; the spelling of `values` is what comes out. `ignoreCase` is the rule unless it is false; class names among the values
 * are always taken as they are spelled.
 */
export function choice<const V extends string>(
  spec: Common & { values: readonly V[]; default?: NoInfer<V>; ignoreCase?: boolean; otherwise?: Effect },
): Option<V> {
  const ignoreCase = spec.ignoreCase ?? true;
  const same = (a: string, b: string): boolean => (ignoreCase && !a.includes('.') ? a.toLowerCase() === b.toLowerCase() : a === b);
  return option('one of', spec, spec.default, spec.values.join(', '), (raw) => {
    const value = spec.values.find((candidate) => same(candidate, raw));
    return value === undefined ? fallBack(spec.otherwise, `is none of ${spec.values.join(', ')}`, spec.default) : { value };
  });
}

/** Split at white space, or at `separator`; empty pieces are left out. */
export function list(spec: Common & { default?: readonly string[]; separator?: RegExp | string }): Option<readonly string[]> {
  const separator = spec.separator ?? /[ \t\n\v\f\r]+/;
  return option('list', spec, spec.default, undefined, (raw) => ({ value: raw.split(separator).filter((piece) => piece !== '') }));
}

/** Makes an option one that may be absent: its value is then `undefined`. */
export function optional<T>(inner: Option<T>): Option<T | undefined> {
  return { ...inner, required: false };
}

/** All properties under a prefix. In a table its key ends in `.*`: `'kafka.consumer.*': prefix({ … })`. Values stay text. */
export function prefix(spec: Common & { check?: (entries: ReadonlyMap<string, string>) => string | undefined }): PrefixOption {
  return {
    ...option('prefix', spec, new Map<string, string>() as ReadonlyMap<string, string>, undefined, () => ({})),
    shape: 'prefix',
    ...(spec.check && { check: spec.check }),
  };
}

export interface PrefixOption extends Option<ReadonlyMap<string, string>> {
  readonly shape: 'prefix';
  readonly check?: (entries: ReadonlyMap<string, string>) => string | undefined;
}

/** A key that people write and that Flume does not read, with the reason or the key that was meant: warned of, never used. */
export function ignored(spec: { doc: string; instead?: string }): Option<undefined> {
  return {
    ...option<undefined>('ignored', spec, undefined, undefined, () => ({ bad: { effect: 'warn', sentence: spec.doc } })),
    required: false,
  };
}

/** Builds an option of its own kind; the helpers above cover what most components need. */
export function option<T>(
  shape: Shape,
  spec: Common,
  fallback: T | undefined,
  allowed: string | undefined,
  read: (raw: string) => Reading<T>,
): Option<T> {
  return {
    shape,
    doc: spec.doc,
    required: fallback === undefined,
    fallback,
    ...(allowed !== undefined && { allowed }),
    secret: spec.secret ?? false,
    aliases: spec.aliases ?? [],
    missing: spec.missing ?? 'drop',
    read,
  };
}

function fallBack<T>(effect: Effect | undefined, sentence: string, fallback: T | undefined): Reading<T> {
  const bad: BadValue =
    effect === 'warn' && fallback !== undefined
      ? { effect, sentence: `${sentence}; ${String(fallback)} is used` }
      : { effect: effect ?? 'drop', sentence };
  return fallback === undefined ? { bad } : { value: fallback, bad };
}

function outsideText(value: number, min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return `is outside of ${min} to ${max}`;
  return min !== undefined && value < min ? `is less than ${min}` : `is more than ${max ?? ''}`;
}

function rangeText(min: number | undefined, max: number | undefined): string | undefined {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `${min} or more`;
  return max === undefined ? undefined : `${max} or less`;
}

function parseWhole(text: string, long: boolean): number | undefined {
  const raw = asciiDigits(text);
  if (!/^[+-]?[0-9]+$/.test(raw)) return undefined;
  // Thirty digits are more than 64 bits hold; a hostile text of a million stays cheap.
  if (raw.replace(/^[+-]?0*/, '').length > 30) return undefined;
  const value = BigInt(raw.replace(/^\+/, ''));
  const bits = long ? 64n : 32n;
  if (value < -(1n << (bits - 1n)) || value >= 1n << (bits - 1n)) return undefined;
  const safe = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > safe ? safe : value < -safe ? -safe : value);
}

/** Java takes the decimal digits of every script. They come in runs of ten that begin at a multiple of 16, or 6 after one. */
function asciiDigits(text: string): string {
  return text.replace(/[^\0-\x7f]/g, (char) => {
    if (!DECIMAL_DIGIT.test(char)) return char;
    const code = char.charCodeAt(0);
    const run = code & ~0xf;
    return String(code - (DECIMAL_DIGIT.test(String.fromCharCode(run)) ? run : run + 6));
  });
}

const DECIMAL_DIGIT = /\p{Nd}/u;
