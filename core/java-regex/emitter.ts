import { hasAstral, intersection, onlyChar } from './char-set.ts';
import type { CharSet } from './char-set.ts';
import { hasGroup, hasLineBreak, isNullable, leadingLoop, partsOf } from './syntax.ts';
import type { Anchor, LookNode, Node, ParsedRegex, RepeatNode } from './syntax.ts';

/** For which texts a native expression holds. */
export interface Variant {
  /** The text has characters beyond U+FFFF. */
  readonly astral: boolean;
  /** The text ends with a line terminator. Group 1 of the expression is then the whole match, and all other groups move up by one. */
  readonly tail: boolean;
  /** That line terminator is `\r\n`. */
  readonly crLf: boolean;
}

export interface NativePlan {
  /** Some class has members beyond U+FFFF, so that texts that have such characters need their own expression. */
  readonly dependsOnAstral: boolean;
  /** There is a `$` or `\Z`, so that texts that end with a line terminator need their own expression. */
  readonly dependsOnTail: boolean;
  /** There is a `\b`: the native expression holds for ASCII texts only. */
  readonly dependsOnAscii: boolean;
  /** It looks behind: V8's linear engine takes such an expression over only if it has neither the flag `g` nor `y` (seen in Node 24.21). */
  readonly looksBehind: boolean;
  /** The source of a JavaScript expression without flags, or `undefined` if there is none for this variant. */
  emit(variant: Variant): string | undefined;
  /** What to put before that source to find the first match of a text sooner; empty if there is nothing to gain. */
  sieve(variant: Variant): string;
}

/**
 * Translates to JavaScript whatever means the same there and can be run by V8's linear engine: no flags, no look-aheads, no
 * references, at most 16 copies of a counted part. All else gives the reason why not, and is run by the machine.
 */
export function planNative(parsed: ParsedRegex): NativePlan | string {
  const facts = { dependsOnAstral: false, dependsOnTail: false, dependsOnAscii: false, looksBehind: false };
  const reason = obstacle(parsed.root, facts);
  if (reason !== undefined) return reason;
  const trial = emitSafely(parsed.root, { astral: false, tail: false, crLf: false });
  if (trial === undefined) return 'a repetition is counted too high';
  const loop = leadingLoop(parsed.root);
  const sieve = (variant: Variant): string => (loop ? `(?<!${emitSet(loop, variant.astral)})` : '');
  return { ...facts, sieve, emit: (variant) => (variant.tail ? emitTail(parsed.root, variant) : emitSafely(parsed.root, variant)) };
}

/** Most copies the linear engine makes of a counted part, nested counts multiplied. */
const maxCopies = 16;
/** A longer look-behind is Java's number for an open end, or its sum overflowed. */
const maxBehind = 1000;
/** Most pieces a counted class is cut into. */
const maxPieces = 40;

class TooManyCopies extends Error {}

function emitSafely(root: Node, variant: Variant): string | undefined {
  try {
    return emit(root, variant, 1);
  } catch (error) {
    if (error instanceof TooManyCopies) return undefined;
    throw error;
  }
}

/** `x$` as `(x)` and an optional line end, which is what `$` looks at; only where it is the last thing of the whole expression. */
function emitTail(root: Node, variant: Variant): string | undefined {
  const items = root.kind === 'sequence' ? root.items : [root];
  const last = items.at(-1);
  const before: Node = { kind: 'sequence', items: items.slice(0, -1) };
  if (last?.kind !== 'anchor' || countDollars(before) > 0) return undefined;
  const source = emitSafely(before, variant);
  if (source === undefined) return undefined;
  const lineEnd = last.anchor === 'dollarUnix' ? '\\n' : variant.crLf ? '(?:\\r\\n)' : '[\\n\\r\\u0085\\u2028\\u2029]';
  return `(${source})${lineEnd}?$`;
}

function countDollars(node: Node): number {
  if (node.kind === 'anchor') return node.anchor === 'dollar' || node.anchor === 'dollarUnix' ? 1 : 0;
  return partsOf(node).reduce((sum, part) => sum + countDollars(part), 0);
}

type Facts = { dependsOnAstral: boolean; dependsOnTail: boolean; dependsOnAscii: boolean; looksBehind: boolean };

/** Why the node cannot be native; gathers facts on the way. `next` is what must match right after the node. */
function obstacle(node: Node, facts: Facts, next?: Node): string | undefined {
  let reason: string | undefined;
  switch (node.kind) {
    case 'set':
      facts.dependsOnAstral ||= hasAstral(node.set);
      break;
    case 'lineBreak':
      break;
    case 'sequence':
      reason = first(node.items.map((item, i) => obstacle(item, facts, node.items[i + 1] ?? next)));
      break;
    case 'choice':
    case 'group':
      reason = first(partsOf(node).map((part) => obstacle(part, facts, next)));
      break;
    case 'repeat':
      reason = obstacleOfRepeat(node, facts, next);
      break;
    case 'look':
      reason = obstacleOfLook(node, facts);
      break;
    case 'atomic':
      reason = 'it has an atomic part';
      break;
    case 'reference':
      reason = 'it refers back to a group';
      break;
    case 'cluster':
      reason = 'it matches grapheme clusters';
      break;
    case 'anchor':
      if (node.anchor === 'dollar' || node.anchor === 'dollarUnix') facts.dependsOnTail = true;
      else if (node.anchor === 'word' || node.anchor === 'notWord') facts.dependsOnAscii = true;
      else if (node.anchor !== 'begin' && node.anchor !== 'end') reason = `it has the boundary "${node.anchor}"`;
      break;
  }
  return reason;
}

function obstacleOfLook(node: LookNode, facts: Facts): string | undefined {
  if (node.direction === 'ahead') return 'it looks ahead';
  if (hasGroup(node.body)) return 'it captures while it looks behind';
  facts.looksBehind = true;
  if (node.max < 0 || node.max > maxBehind) return 'it looks behind without an obvious limit';
  return obstacle(node.body, facts);
}

function obstacleOfRepeat(node: RepeatNode, facts: Facts, next: Node | undefined): string | undefined {
  if (node.mode === 'possessive' && !isGreedyAnyway(node, next)) return 'it has a possessive quantifier';
  if (node.max > 1) {
    if (isNullable(node.body)) return 'it repeats something that can be empty';
    // JavaScript forgets the groups of earlier rounds, Java remembers them.
    if (hasOptionalGroup(node.body)) return 'a repeated part captures in some of its rounds';
    // Java does not take back what such rounds captured inside.
    const inner = node.body.kind === 'group' ? node.body.body : node.body;
    if (node.style === 'rounds' && hasLineBreak(inner)) return 'it repeats \\R';
    if (node.style === 'rounds' && node.min !== node.max && hasGroup(inner)) return 'a repeated part captures inside its rounds';
  }
  return obstacle(node.body, facts);
}

/** A possessive class behaves as a greedy one if what follows cannot begin with a member. */
function isGreedyAnyway(node: RepeatNode, next: Node | undefined): boolean {
  if (node.body.kind !== 'set' || node.max !== Infinity || next === undefined) return false;
  const following = next.kind === 'repeat' && next.min > 0 ? next.body : next;
  return following.kind === 'set' && intersection(node.body.set, following.set).ranges.length === 0;
}

function hasOptionalGroup(node: Node): boolean {
  if (node.kind === 'choice') return node.options.some(hasGroup);
  if (node.kind === 'repeat' && node.min === 0) return hasGroup(node.body);
  // Of such rounds within a loop, Java shows those of an early pass (see the machine).
  if (node.kind === 'repeat' && node.style === 'rounds' && node.min !== node.max) return hasGroup(node.body);
  return partsOf(node).some(hasOptionalGroup);
}

function emit(node: Node, variant: Variant, copies: number): string {
  if (node.kind === 'set') return emitSet(node.set, variant.astral);
  if (node.kind === 'sequence') {
    return node.items.map((item) => (item.kind === 'choice' ? `(?:${emit(item, variant, copies)})` : emit(item, variant, copies))).join('');
  }
  if (node.kind === 'choice') return node.options.map((option) => emit(option, variant, copies)).join('|');
  if (node.kind === 'group') return `(${emit(node.body, variant, copies)})`;
  if (node.kind === 'repeat') return emitRepeat(node, variant, copies);
  if (node.kind === 'look') return `(?<${node.negated ? '!' : '='}${emit(node.body, variant, copies)})`;
  if (node.kind === 'lineBreak') return '(?:\\r\\n|[\\n-\\r\\u0085\\u2028\\u2029])';
  if (node.kind === 'anchor') return nativeAnchors.get(node.anchor) ?? '$';
  throw new TypeError(`"${node.kind}" is never native`);
}

const nativeAnchors: ReadonlyMap<Anchor, string> = new Map([
  ['begin', '^'],
  ['word', '\\b'],
  ['notWord', '\\B'],
]);

function emitRepeat(node: RepeatNode, variant: Variant, copies: number): string {
  const { min, max } = node;
  const lazy = node.mode === 'lazy' ? '?' : '';
  const factor = max === Infinity ? Math.max(min, 1) : Math.max(max, 1);
  if (factor * copies > maxCopies) {
    if (node.body.kind === 'set') return emitPieces(emitSet(node.body.set, variant.astral), node, lazy, copies);
    throw new TooManyCopies();
  }
  const inner = emit(node.body, variant, copies * factor);
  const body = node.body.kind === 'set' || node.body.kind === 'group' ? inner : `(?:${inner})`;
  // JavaScript does not count an empty round as one; a choice does what Java does.
  if (min === 0 && max === 1 && isNullable(node.body)) return lazy ? `(?:|${body})` : `(?:${body}|)`;
  if (min === 0 && max === Infinity) return `${body}*${lazy}`;
  if (min === 1 && max === Infinity) return `${body}+${lazy}`;
  if (min === 0 && max === 1) return `${body}?${lazy}`;
  return `${body}{${min === max ? min : `${min},${max === Infinity ? '' : max}`}}${lazy}`;
}

/** `x{40}` as `x{16}x{16}x{8}`: for a class only the sum counts. */
function emitPieces(set: string, node: RepeatNode, lazy: string, copies: number): string {
  const most = Math.floor(maxCopies / copies);
  const optional = node.max === Infinity ? 0 : node.max - node.min;
  const pieces: string[] = [];
  for (let left = node.min; left > 0; left -= most) pieces.push(`${set}{${Math.min(left, most)}}`);
  if (node.max === Infinity) pieces.push(`${set}*${lazy}`);
  for (let left = optional; left > 0; left -= most) pieces.push(`${set}{0,${Math.min(left, most)}}${lazy}`);
  if (pieces.length > maxPieces) throw new TooManyCopies();
  return pieces.length === 1 ? pieces.join('') : `(?:${pieces.join('')})`;
}

/** A class in UTF-16 units. Without `astral` the text has no surrogates, so that the part beyond U+FFFF can be left away. */
function emitSet(set: CharSet, astral: boolean): string {
  const only = onlyChar(set);
  if (only !== undefined && only <= 0xffff) return unit(only);
  const narrow = intersection(set, astral ? { ranges: [0, 0xd7ff, 0xe000, 0xffff] } : { ranges: [0, 0xffff] });
  // Nothing matches a lone surrogate but a pattern that names it: decoded text has none.
  const named = astral && !hasAstral(set) ? intersection(set, { ranges: [0, 0xffff] }) : narrow;
  const plain = emitUnits(named.ranges);
  if (!astral || !hasAstral(set)) return plain;
  const wide = intersection(set, { ranges: [0x10000, 0x10ffff] });
  const pairs = emitPairs(wide.ranges);
  return `(?:${named.ranges.length === 0 ? '' : `${plain}|`}${pairs.join('|')})`;
}

function emitUnits(ranges: readonly number[]): string {
  if (ranges.length === 0) return '[]';
  let source = '';
  for (let i = 0; i < ranges.length; i += 2) {
    const begin = ranges[i] ?? 0;
    const end = ranges[i + 1] ?? 0;
    source += begin === end ? unit(begin) : `${unit(begin)}-${unit(end)}`;
  }
  return `[${source}]`;
}

/** Ranges beyond U+FFFF as pairs of surrogates: a partial first block, whole blocks, a partial last one. */
function emitPairs(ranges: readonly number[]): string[] {
  const pairs: string[] = [];
  const add = (high: number, highEnd: number, low: number, lowEnd: number): void => {
    pairs.push(`${emitUnits([0xd800 + high, 0xd800 + highEnd])}${emitUnits([0xdc00 + low, 0xdc00 + lowEnd])}`);
  };
  for (let i = 0; i < ranges.length; i += 2) {
    let begin = (ranges[i] ?? 0) - 0x10000;
    const end = (ranges[i + 1] ?? 0) - 0x10000;
    if (begin >> 10 !== end >> 10 && (begin & 0x3ff) !== 0) {
      add(begin >> 10, begin >> 10, begin & 0x3ff, 0x3ff);
      begin = ((begin >> 10) + 1) << 10;
    }
    const whole = (end & 0x3ff) === 0x3ff ? end >> 10 : (end >> 10) - 1;
    if (whole >= begin >> 10 && (begin & 0x3ff) === 0) {
      add(begin >> 10, whole, 0, 0x3ff);
      begin = (whole + 1) << 10;
    }
    if (begin <= end) add(end >> 10, end >> 10, begin & 0x3ff, end & 0x3ff);
  }
  return pairs;
}

function unit(value: number): string {
  const char = String.fromCharCode(value);
  return /[A-Za-z0-9_ ,:;=@<>"'%&~`!#]/.test(char) ? char : `\\u${value.toString(16).padStart(4, '0')}`;
}

function first(reasons: readonly (string | undefined)[]): string | undefined {
  return reasons.find((reason) => reason !== undefined);
}
