/** Numbers from `from` up to but not including `to`. */
export type NumberRange = [from: number, to: number];

/** Index of the first range that ends above `number`; `ranges` are in order and do not touch. */
function placeOf(ranges: readonly NumberRange[], number: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle] as NumberRange)[1] <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}

function endOf(ranges: readonly NumberRange[]): number {
  return ranges.at(-1)?.[1] ?? -1;
}

/** Whether any number from `from` up to `to` is in one of the ranges. */
export function meetsRanges(ranges: readonly NumberRange[], from: number, to: number): boolean {
  const next = ranges[placeOf(ranges, from)];
  return next !== undefined && next[0] < to;
}

/** Adds the numbers from `from` up to `to`; ranges that touch become one. */
export function insertRange(ranges: NumberRange[], from: number, to: number): void {
  // As a rule numbers grow.
  if (from > endOf(ranges)) return void ranges.push([from, to]);
  // One that ends where this begins is made longer.
  const at = placeOf(ranges, from - 1);
  let end = at;
  let joined: NumberRange = [from, to];
  for (let range = ranges[end]; range && range[0] <= joined[1]; range = ranges[++end]) joined = [Math.min(joined[0], range[0]), Math.max(joined[1], range[1])];
  ranges.splice(at, end - at, joined);
}

/** Indices of the events, whose numbers are `spans`, that are in none of the ranges; `undefined` where that is all of them. */
export function indicesOutside(ranges: readonly NumberRange[], spans: readonly (readonly [first: number, end: number])[]): Uint32Array | undefined {
  const known = endOf(ranges);
  if (!spans.some(([first, end]) => first < known && meetsRanges(ranges, first, end))) return undefined;
  const kept: number[] = [];
  let index = 0;
  for (const [first, end] of spans) {
    for (let number = first; number < end; number++, index++) if (!meetsRanges(ranges, number, number + 1)) kept.push(index);
  }
  return Uint32Array.from(kept);
}
