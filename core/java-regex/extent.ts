import type { Node, RepeatNode } from './syntax.ts';

/**
 * How many characters a node matches by Java's own reckoning, and whether in one way only. Java adds up in 32 bits and lets some sums
 * overflow; which look-behinds it accepts, and what they then match, depends on that.
 */
export interface Extent {
  min: number;
  max: number;
  hasMax: boolean;
  oneWay: boolean;
}

/** Java's number for an open end. */
const openEnd = 0x7fff_ffff;

export function extentOf(node: Node): Extent {
  const extent: Extent = { min: 0, max: 0, hasMax: true, oneWay: true };
  add(extent, node);
  return extent;
}

function add(extent: Extent, node: Node): void {
  switch (node.kind) {
    case 'set':
      extent.min++;
      extent.max = (extent.max + 1) | 0;
      break;
    case 'lineBreak':
      extent.min++;
      extent.max = (extent.max + 2) | 0;
      break;
    case 'reference':
      extent.hasMax = false;
      break;
    case 'anchor':
    case 'look':
    case 'cluster':
      // Java forgets to count a cluster.
      break;
    case 'sequence':
      addSequence(extent, node.items);
      break;
    case 'group':
      add(extent, node.body);
      break;
    case 'atomic':
      add(extent, node.body);
      extent.oneWay = false;
      break;
    case 'choice':
      addChoice(extent, node.options);
      break;
    case 'repeat':
      addRepeat(extent, node);
      break;
  }
}

function addSequence(extent: Extent, items: readonly Node[]): void {
  for (const [i, item] of items.entries()) {
    add(extent, item);
    if (!isBranch(item)) continue;
    // Java begins to count anew behind a branch and adds that up in the end, so that overflow shows elsewhere.
    const rest: Extent = { min: 0, max: 0, hasMax: true, oneWay: true };
    addSequence(rest, items.slice(i + 1));
    extent.min += rest.min;
    extent.max = (extent.max + rest.max) | 0;
    extent.hasMax &&= rest.hasMax;
    return;
  }
}

function isBranch(node: Node): boolean {
  return node.kind === 'choice' || (node.kind === 'repeat' && node.style === 'optional') || (node.kind === 'group' && isBranch(node.body));
}

function addChoice(extent: Extent, options: readonly Node[]): void {
  const extents = options.map(extentOf);
  extent.min += Math.min(...extents.map((option) => option.min));
  extent.max = (extent.max + Math.max(...extents.map((option) => option.max))) | 0;
  extent.hasMax &&= extents.every((option) => option.hasMax);
  extent.oneWay = false;
}

function addRepeat(extent: Extent, node: RepeatNode): void {
  const body = extentOf(node.body);
  const max = node.max === Infinity ? openEnd : node.max;
  if (node.style === 'optional') {
    extent.max = (extent.max + body.max) | 0;
    extent.hasMax &&= body.hasMax;
    extent.oneWay = false;
    return;
  }
  extent.min += body.min * node.min;
  if (node.style === 'loop') {
    extent.hasMax = false;
    extent.oneWay = false;
    return;
  }
  if (node.body.kind === 'set' && node.mode === 'greedy' && max === openEnd) {
    extent.max = (extent.max + openEnd) | 0;
    extent.oneWay = false;
    return;
  }
  const sum = (Math.imul(body.max, max) + extent.max) | 0;
  extent.hasMax = extent.hasMax && body.hasMax && sum >= extent.max;
  extent.max = sum;
  extent.oneWay &&= body.oneWay && node.min === node.max;
}
