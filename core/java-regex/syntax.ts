import type { CharSet } from './char-set.ts';

/**
 * The syntax tree of a Java regular expression. Flags are gone: the parser has applied them to the nodes they rule.
 */
export type Node =
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly options: readonly Node[] }
  | { readonly kind: 'group'; readonly index: number; readonly body: Node }
  | RepeatNode
  | LookNode
  | { readonly kind: 'atomic'; readonly body: Node }
  | { readonly kind: 'reference'; readonly group: number; readonly fold: Fold }
  | { readonly kind: 'anchor'; readonly anchor: Anchor }
  /** `\R` */
  | { readonly kind: 'lineBreak' }
  /** `\X` */
  | { readonly kind: 'cluster' };

export interface RepeatNode {
  readonly kind: 'repeat';
  readonly body: Node;
  readonly min: number;
  /** Infinity for an open end. */
  readonly max: number;
  readonly mode: 'greedy' | 'lazy' | 'possessive';
  /**
   * How Java runs it: `optional` is `?`; in `rounds` each round keeps its first way of matching (anything but groups, and groups that match
   * in one way only); a `loop` tries every way and has no obvious maximum length.
   */
  readonly style: 'optional' | 'rounds' | 'loop';
}

export interface LookNode {
  readonly kind: 'look';
  readonly direction: 'ahead' | 'behind';
  readonly negated: boolean;
  readonly body: Node;
  /** Code points the body of a look-behind may have. */
  readonly min: number;
  readonly max: number;
}

export type Fold = 'none' | 'ascii' | 'unicode';

export type Anchor =
  | 'begin' // \A and ^
  | 'end' // \z
  | 'dollar' // \Z and $
  | 'dollarUnix'
  | 'lineBegin' // ^ with (?m)
  | 'lineBeginUnix'
  | 'lineEnd' // $ with (?m)
  | 'lineEndUnix'
  | 'word' // \b
  | 'notWord'
  | 'unicodeWord' // \b with (?U)
  | 'notUnicodeWord'
  | 'clusterBoundary' // \b{g}
  | 'lastMatch'; // \G

export interface ParsedRegex {
  readonly root: Node;
  readonly groupCount: number;
  readonly groupNames: ReadonlyMap<string, number>;
}

/** The parts of a node, in order. */
export function partsOf(node: Node): readonly Node[] {
  if (node.kind === 'sequence') return node.items;
  if (node.kind === 'choice') return node.options;
  return 'body' in node ? [node.body] : [];
}

/** True if the node can match the empty text. */
export function isNullable(node: Node): boolean {
  if (node.kind === 'set' || node.kind === 'lineBreak' || node.kind === 'cluster') return false;
  if (node.kind === 'choice') return node.options.some(isNullable);
  if (node.kind === 'repeat' && node.min === 0) return true;
  return node.kind === 'look' || partsOf(node).every(isNullable);
}

/** True if a capturing group lies in the node. */
export function hasGroup(node: Node): boolean {
  return node.kind === 'group' || partsOf(node).some(hasGroup);
}

/** True if all that the node can match is the empty text. */
export function isEmptyOnly(node: Node): boolean {
  if (node.kind === 'set' || node.kind === 'lineBreak' || node.kind === 'cluster' || node.kind === 'reference') return false;
  return node.kind === 'look' || partsOf(node).every(isEmptyOnly);
}

/** True if `\R` lies in the node. */
export function hasLineBreak(node: Node): boolean {
  return node.kind === 'lineBreak' || partsOf(node).some(hasLineBreak);
}

/** True if a repetition of two rounds or more holds one without an end. */
export function hasNestedLoops(node: Node, repeated = false): boolean {
  if (node.kind === 'repeat' && node.max === Infinity && repeated) return true;
  const inside = repeated || (node.kind === 'repeat' && node.max > 1);
  return partsOf(node).some((part) => hasNestedLoops(part, inside));
}

/**
 * The class of a repetition without an end that every match begins with, as the `.*` of `.*x`: a match that could begin behind a member
 * of it could begin one earlier, so the first match of a text never does.
 */
export function leadingLoop(node: Node): CharSet | undefined {
  if (node.kind === 'group') return leadingLoop(node.body);
  if (node.kind === 'sequence') return node.items[0] && leadingLoop(node.items[0]);
  if (node.kind !== 'repeat' || node.body.kind !== 'set' || node.mode === 'possessive' || node.max !== Infinity) return undefined;
  return node.min <= 1 ? node.body.set : undefined;
}

/** True if a reference to a group lies in the node. */
export function hasReference(node: Node): boolean {
  return node.kind === 'reference' || partsOf(node).some(hasReference);
}
