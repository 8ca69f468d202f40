/**
 * Sets of code points as sorted, separate ranges: begin and end (inclusive) of range i at 2i and 2i+1.
 */
export interface CharSet {
  readonly ranges: readonly number[];
}

export const lastCodePoint = 0x10ffff;

export const noChars: CharSet = { ranges: [] };
export const allChars: CharSet = { ranges: [0, lastCodePoint] };

export function charRange(begin: number, end: number): CharSet {
  return { ranges: [begin, end] };
}

/** The set of the code points of a text. */
export function charsOf(text: string): CharSet {
  return unionAll(Array.from(text, (char) => charRange(char.codePointAt(0) ?? 0, char.codePointAt(0) ?? 0)));
}

export function unionAll(sets: readonly CharSet[]): CharSet {
  const pairs: [number, number][] = [];
  for (const { ranges } of sets) for (let i = 0; i < ranges.length; i += 2) pairs.push([at(ranges, i), at(ranges, i + 1)]);
  pairs.sort((left, right) => left[0] - right[0]);
  const merged: number[] = [];
  for (const [begin, end] of pairs) {
    const last = merged.length - 1;
    if (last > 0 && begin <= at(merged, last) + 1) merged[last] = Math.max(at(merged, last), end);
    else merged.push(begin, end);
  }
  return { ranges: merged };
}

export function union(left: CharSet, right: CharSet): CharSet {
  return unionAll([left, right]);
}

export function complement(set: CharSet): CharSet {
  const ranges: number[] = [];
  let next = 0;
  for (let i = 0; i < set.ranges.length; i += 2) {
    if (at(set.ranges, i) > next) ranges.push(next, at(set.ranges, i) - 1);
    next = at(set.ranges, i + 1) + 1;
  }
  if (next <= lastCodePoint) ranges.push(next, lastCodePoint);
  return { ranges };
}

export function intersection(left: CharSet, right: CharSet): CharSet {
  const ranges: number[] = [];
  let l = 0;
  let r = 0;
  while (l < left.ranges.length && r < right.ranges.length) {
    const begin = Math.max(at(left.ranges, l), at(right.ranges, r));
    const end = Math.min(at(left.ranges, l + 1), at(right.ranges, r + 1));
    if (begin <= end) ranges.push(begin, end);
    if (at(left.ranges, l + 1) < at(right.ranges, r + 1)) l += 2;
    else r += 2;
  }
  return { ranges };
}

export function hasChar(set: CharSet, codePoint: number): boolean {
  let low = 0;
  let high = set.ranges.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (codePoint > at(set.ranges, 2 * middle + 1)) low = middle + 1;
    else high = middle;
  }
  return 2 * low < set.ranges.length && codePoint >= at(set.ranges, 2 * low);
}

/** The only member, or `undefined` if there are none or several. */
export function onlyChar(set: CharSet): number | undefined {
  return set.ranges.length === 2 && set.ranges[0] === set.ranges[1] ? set.ranges[0] : undefined;
}

/** True if the set has a code point that takes two UTF-16 units. */
export function hasAstral(set: CharSet): boolean {
  return set.ranges.length > 0 && at(set.ranges, set.ranges.length - 1) > 0xffff;
}

const allUnicode = new Map<string, CharSet>();

/** The members of a class that this JavaScript engine knows, such as `\p{Lu}`, computed once by asking it about every code point. */
export function charsOfProperty(className: string): CharSet {
  const known = allUnicode.get(className);
  if (known) return known;
  const ranges: number[] = [];
  const pattern = new RegExp(`${className}+`, 'gu');
  for (let begin = 0; begin <= lastCodePoint; begin += 0x1000) {
    // Surrogates would join up with their neighbours in a text: they are asked one by one below.
    if (begin >= 0xd800 && begin <= 0xdfff) continue;
    addRanges(ranges, begin, codePoints(begin, begin + 0xfff), pattern);
  }
  const set: CharSet = { ranges };
  const result = new RegExp(className, 'u').test('\ud800') ? union(set, charRange(0xd800, 0xdfff)) : set;
  allUnicode.set(className, unionAll([result]));
  return unionAll([result]);
}

function codePoints(begin: number, end: number): string {
  return String.fromCodePoint(...Array.from({ length: end - begin + 1 }, (_, i) => begin + i));
}

function addRanges(ranges: number[], base: number, text: string, pattern: RegExp): void {
  const width = base > 0xffff ? 2 : 1;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const begin = base + match.index / width;
    ranges.push(begin, begin + match[0].length / width - 1);
  }
}

function at(ranges: readonly number[], index: number): number {
  return ranges[index] ?? 0;
}
