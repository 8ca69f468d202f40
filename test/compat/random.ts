/** Random choices from a seed, the same on every machine (mulberry32). */

export interface Random {
  /** An integer from 0 to `limit` − 1. */
  below(limit: number): number;
  chance(probability: number): boolean;
  pick<T>(choices: readonly T[]): T;
  weighted(weights: Readonly<Record<string, number>>): string;
  shuffled<T>(values: readonly T[]): T[];
  /** The text with one character lost, doubled, exchanged with its neighbour, replaced or in the other case. */
  typo(text: string): string;
}

export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  const pick = <T>(choices: readonly T[]): T => {
    const choice = choices[below(choices.length)];
    if (choices.length === 0) {
      throw new Error('picking from nothing');
    }
    return choice as T;
  };
  return {
    below,
    pick,
    chance: (probability) => next() < probability,
    weighted: (weights) => {
      const entries = Object.entries(weights);
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      return entries.find(([, weight]) => (left -= weight) < 0)?.[0] ?? entries[0]?.[0] ?? '';
    },
    shuffled: (values) => {
      const copy = [...values];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [copy[i], copy[j]] = [copy[j] as (typeof copy)[number], copy[i] as (typeof copy)[number]];
      }
      return copy;
    },
    typo: (text) => typo(text, below),
  };
}

function typo(text: string, below: (limit: number) => number): string {
  if (text === '') {
    return 'x';
  }
  const at = below(text.length);
  const [before, here, after] = [text.slice(0, at), text.charAt(at), text.slice(at + 1)];
  const other = here === here.toUpperCase() ? here.toLowerCase() : here.toUpperCase();
  const versions = [
    before + after,
    before + here + here + after,
    before + after.charAt(0) + here + after.slice(1),
    `${before}${String.fromCharCode(97 + below(26))}${after}`,
    before + other + after,
    `${before}${String.fromCharCode(32 + below(95))}${here}${after}`,
  ];
  return versions[below(versions.length)] ?? text;
}
