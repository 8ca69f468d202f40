/** Longest code: readers take 20, and bzip2 itself writes no more than this. */
const LONGEST = 17;

/** Lengths of codes, none longer than LONGEST, for symbols that occur so often; one that never occurs has a code, too. */
export function codeLengths(frequencies: ArrayLike<number>): Uint8Array {
  let weights = Array.from(frequencies, (count) => Math.max(1, count));
  for (;;) {
    const lengths = lengthsOf(weights);
    if (lengths.every((length) => length <= LONGEST)) return lengths;
    // The less they differ, the shorter the longest is.
    weights = weights.map((weight) => 1 + Math.floor(weight / 2));
  }
}

/** The codes themselves: among those of one length in the order of their symbols. */
export function codesOf(lengths: Uint8Array): Uint32Array {
  const codes = new Uint32Array(lengths.length);
  let code = 0;
  for (let length = 1; length <= LONGEST; length++) {
    for (const [symbol, own] of lengths.entries()) if (own === length) codes[symbol] = code++;
    code *= 2;
  }
  return codes;
}

/** Joins the two lightest until one is left: leaves come sorted, and what is joined comes in its order by itself. */
function lengthsOf(weights: readonly number[]): Uint8Array {
  const leaves = weights.map((weight, symbol) => ({ weight, symbol })).sort((a, b) => a.weight - b.weight);
  const count = leaves.length;
  const nodeWeights = leaves.map(({ weight }) => weight);
  const parents: number[] = [];
  let leaf = 0;
  let joined = count;
  const lightest = (): number => {
    const isLeaf = leaf < count && (joined >= nodeWeights.length || (nodeWeights[leaf] as number) <= (nodeWeights[joined] as number));
    return isLeaf ? leaf++ : joined++;
  };
  for (let node = count; node < 2 * count - 1; node++) {
    const [first, second] = [lightest(), lightest()];
    parents[first] = node;
    parents[second] = node;
    nodeWeights.push((nodeWeights[first] as number) + (nodeWeights[second] as number));
  }
  const depths = Array.from({ length: 2 * count - 1 }, () => 0);
  for (let node = 2 * count - 3; node >= 0; node--) depths[node] = (depths[parents[node] as number] as number) + 1;
  const lengths = new Uint8Array(count);
  for (const [at, { symbol }] of leaves.entries()) lengths[symbol] = Math.min(255, depths[at] as number);
  return lengths;
}
