/**
 * The small rules of Java that configuration files and output bytes depend on: trimming, splitting, reading numbers and booleans,
 * and the order in which hash maps and hash sets are walked.
 *
 * The readers of numbers answer `undefined` for text that Java would refuse; the caller knows the key and words the problem.
 */

/** Removes every leading and trailing UTF-16 unit up to U+0020, control characters included; U+00A0 and the like stay. */
export function javaTrim(text: string): string {
  let begin = 0;
  let end = text.length;
  while (begin < end && text.charCodeAt(begin) <= 0x20) begin++;
  while (end > begin && text.charCodeAt(end - 1) <= 0x20) end--;
  return begin === 0 && end === text.length ? text : text.slice(begin, end);
}

/**
 * `text.split("\\s+")`: only space, TAB, LF, VT, FF and CR separate; empty pieces at the end are dropped, one at the beginning is kept.
 * The empty text gives one empty piece, a text of blanks none.
 */
export function javaWhitespaceSplit(text: string): string[] {
  const pieces = text.split(/[ \t\n\v\f\r]+/);
  if (pieces.length === 1) return pieces;
  while (pieces.length > 0 && pieces[pieces.length - 1] === '') pieces.pop();
  return pieces;
}

/** A 32-bit integer after `javaTrim`: an optional sign and decimal digits, nothing else. */
export function parseJavaInteger(text: string): number | undefined {
  const trimmed = javaTrim(text);
  if (!/^[+-]?[0-9]+$/.test(trimmed)) return undefined;
  const value = Number(trimmed);
  return value >= -0x8000_0000 && value <= 0x7fff_ffff ? value + 0 : undefined;
}

/** A 64-bit integer after `javaTrim`, exact. */
export function parseJavaBigLong(text: string): bigint | undefined {
  const trimmed = javaTrim(text);
  if (!/^[+-]?[0-9]+$/.test(trimmed)) return undefined;
  // 19 digits are the most that fit; the check keeps a hostile text of a million digits cheap.
  const digits = trimmed.replace(/^[+-]/, '').replace(/^0+(?=[0-9])/, '');
  if (digits.length > 19) return undefined;
  const value = trimmed.startsWith('-') ? -BigInt(digits) : BigInt(digits);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/**
 * As `parseJavaBigLong`, for limits and times. Beyond ±2^53 the nearest number is given: such values only ever mean "no limit". Whoever
 * needs all 64 bits calls `parseJavaBigLong`.
 */
export function parseJavaLong(text: string): number | undefined {
  const value = parseJavaBigLong(text);
  return value === undefined ? undefined : Number(value);
}

/** A double as `Double.parseDouble` reads it: `1`, `.5`, `1e3`, `NaN`, `-Infinity`, hexadecimal `0x1.8p3`, an `f`, `F`, `d` or `D` at the end. */
export function parseJavaDouble(text: string): number | undefined {
  const trimmed = javaTrim(text);
  const special = /^([+-]?)(NaN|Infinity)$/.exec(trimmed);
  if (special) return special[2] === 'NaN' ? NaN : special[1] === '-' ? -Infinity : Infinity;
  if (/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?$/.test(trimmed)) return Number(trimmed.replace(/[fFdD]$/, ''));
  const hex = /^([+-]?)0[xX](?:([0-9a-fA-F]+)\.?|([0-9a-fA-F]*)\.([0-9a-fA-F]+))[pP]([+-]?[0-9]+)[fFdD]?$/.exec(trimmed);
  if (!hex) return undefined;
  const fraction = hex[4] ?? '';
  // The significand may have more than 53 bits; no configuration value does, so one rounding more is accepted.
  const significand = Number(BigInt(`0x${hex[2] ?? (`${hex[3] ?? ''}${fraction}` || '0')}`));
  const value = significand * 2 ** (Number(hex[5]) - 4 * fraction.length);
  return hex[1] === '-' ? -value : value;
}

/** As `parseJavaDouble`, rounded to 32 bits as `Float.parseFloat` does. */
export function parseJavaFloat(text: string): number | undefined {
  const value = parseJavaDouble(text);
  return value === undefined ? undefined : Math.fround(value);
}

/** True for `true` in any letter case after `javaTrim`; everything else, `yes` and `1` included, is false. */
export function parseJavaBoolean(text: string): boolean {
  const trimmed = javaTrim(text);
  return trimmed.length === 4 && /^true$/i.test(trimmed);
}

/** `String.hashCode`, a signed 32-bit number. */
export function javaStringHash(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(31, hash) + text.charCodeAt(at)) | 0;
  return hash;
}

/** How the map or set came to be, which decides its capacity and with that its order. */
export interface HashOrigin {
  /**
   * The map is a copy of another one: of all the names, or of the first so many, the rest having been put into it afterwards. The names
   * are then given in the order in which the other map is walked. (A Flume event built from a body and headers holds such a copy.)
   */
  readonly copied?: boolean | number;
  /** The set was built from a list of all the names, which starts larger than one filled name by name. */
  readonly fromList?: boolean;
}

/**
 * The names in the order in which a Java `HashMap` or `HashSet` is walked that got them in the given order. Without an origin it is a
 * fresh map, filled one by one. Names given twice count once.
 */
export function hashOrder(names: Iterable<string>, origin: HashOrigin = {}): string[] {
  const unique = [...new Set(names)];
  const capacity = capacityFor(unique.length, origin);
  const spread = unique.map((name, index) => {
    const hash = javaStringHash(name);
    return { name, index, bucket: (hash ^ (hash >>> 16)) & (capacity - 1) };
  });
  // Splitting a bucket keeps the order in it, so the final capacity alone decides.
  spread.sort((left, right) => left.bucket - right.bucket || left.index - right.index);
  return spread.map((entry) => entry.name);
}

function capacityFor(size: number, origin: HashOrigin): number {
  const copied = origin.copied === true ? size : Math.min(origin.copied === false ? 0 : (origin.copied ?? 0), size);
  let capacity = 16;
  if (copied > 0) capacity = powerOfTwo(Math.floor(copied / 0.75 + 1));
  else if (origin.fromList === true) capacity = powerOfTwo(Math.max(16, Math.floor(size / 0.75) + 1));
  while (size > capacity * 0.75) capacity *= 2;
  return capacity;
}

function powerOfTwo(atLeast: number): number {
  let power = 1;
  while (power < atLeast) power *= 2;
  return power;
}
