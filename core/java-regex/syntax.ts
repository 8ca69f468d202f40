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

/** True if the node can match the empty text. */
export function isNullable(node: Node): boolean {
  switch (node.kind) {
    case 'set':
    case 'lineBreak':
    case 'cluster':
      return false;
    case 'sequence':
      return node.items.every(isNullable);
    case 'choice':
      return node.options.some(isNullable);
    case 'group':
    case 'atomic':
      return isNullable(node.body);
    case 'repeat':
      return node.min === 0 || isNullable(node.body);
    case 'look':
    case 'reference':
    case 'anchor':
      return true;
  }
}

/** True if a capturing group lies in the node. */
export function hasGroup(node: Node): boolean {
  switch (node.kind) {
    case 'group':
      return true;
    case 'sequence':
      return node.items.some(hasGroup);
    case 'choice':
      return node.options.some(hasGroup);
    case 'atomic':
    case 'repeat':
    case 'look':
      return hasGroup(node.body);
    default:
      return false;
  }
}

/** Fewest and most code points a node matches, by Java's own reckoning (`undefined`: no obvious maximum), and whether in one way only. */
export interface Extent {
  readonly min: number;
  readonly max: number | undefined;
  readonly oneWay: boolean;
}

export function extentOf(node: Node): Extent {
  switch (node.kind) {
    case 'set':
      return { min: 1, max: 1, oneWay: true };
    case 'lineBreak':
      return { min: 1, max: 2, oneWay: true };
    case 'cluster':
      return { min: 1, max: undefined, oneWay: true };
    case 'reference':
      return { min: 0, max: undefined, oneWay: true };
    case 'anchor':
    case 'look':
      return { min: 0, max: 0, oneWay: true };
    case 'group':
      return extentOf(node.body);
    case 'atomic':
      return { ...extentOf(node.body), oneWay: false };
    case 'sequence':
      return node.items.map(extentOf).reduce(addExtents, { min: 0, max: 0, oneWay: true });
    case 'choice': {
      const extents = node.options.map(extentOf);
      return {
        min: Math.min(...extents.map((extent) => extent.min)),
        max: extents.reduce<number | undefined>((most, { max }) => (most === undefined || max === undefined ? undefined : Math.max(most, max)), 0),
        oneWay: false,
      };
    }
    case 'repeat':
      return extentOfRepeat(node);
  }
}

function addExtents(left: Extent, right: Extent): Extent {
  return {
    min: left.min + right.min,
    max: left.max === undefined || right.max === undefined ? undefined : left.max + right.max,
    oneWay: left.oneWay && right.oneWay,
  };
}

function extentOfRepeat(node: RepeatNode): Extent {
  const body = extentOf(node.body);
  const max = body.max === undefined || node.max === Infinity || node.style === 'loop' ? undefined : body.max * node.max;
  return { min: body.min * node.min, max, oneWay: body.oneWay && node.min === node.max };
}
