import type { CharSet } from './char-set.ts';
import { hasAstral, hasChar, onlyChar, unionAll } from './char-set.ts';
import type { Anchor, Node, ParsedRegex, RepeatNode } from './syntax.ts';
import { hasGroup, hasReference, isEmptyOnly, isNullable, leadingLoop, partsOf } from './syntax.ts';

/**
 * Instructions of the machine, each an operation and up to five operands (`width` numbers in all):
 *
 *     accept
 *     char unit                       set s                         anchor a
 *     jump to                         split firstTo thenTo
 *     open local                      close local group
 *     enter r body exit min max*2+lazy   loop r body exit min max*2+lazy   again r body     (registers r: rounds, r + 1: where the round began)
 *     setLoop s min max mode          rounds body exit min max      (mode: 0 greedy, 1 lazy, 2 possessive; exit: the next instruction)
 *     ahead body next negated         behind body next negated min max      atomic body next
 *     reference group fold            lineBreak                     cluster
 *     late r group min    (behind the exit of a loop)
 */
export const op = {
  accept: 0,
  char: 1,
  set: 2,
  anchor: 3,
  jump: 4,
  split: 5,
  open: 6,
  close: 7,
  enter: 8,
  loop: 9,
  again: 10,
  setLoop: 11,
  rounds: 12,
  ahead: 13,
  behind: 14,
  atomic: 15,
  reference: 16,
  lineBreak: 17,
  cluster: 18,
  late: 19,
} as const;

export const width = 6;

/** Stands for an open end. */
export const unlimited = 0x3fff_ffff;

export const anchors: readonly Anchor[] = [
  'begin',
  'end',
  'dollar',
  'dollarUnix',
  'lineBegin',
  'lineBeginUnix',
  'lineEnd',
  'lineEndUnix',
  'word',
  'notWord',
  'unicodeWord',
  'notUnicodeWord',
  'clusterBoundary',
  'lastMatch',
];

export interface Program {
  readonly code: Int32Array;
  readonly sets: readonly SetTable[];
  readonly groupCount: number;
  /** Groups, two each, then locals and loop registers. */
  readonly registers: number;
  /** What a match can begin with; `undefined` if it can be empty or that is not known. */
  readonly firsts: SetTable | undefined;
  /** The match can only begin at the beginning of the text. */
  readonly anchored: boolean;
  /** A first match cannot begin behind a member of it (see `leadingLoop`). */
  readonly leading: SetTable | undefined;
  /** Java then never begins a match within a surrogate pair. */
  readonly hasAstral: boolean;
  /** Look-behinds go back by code points: Java does so only if the pattern itself has a character beyond U+FFFF. */
  readonly behindByPairs: boolean;
}

/** A class with a table for its members below U+0100. */
export class SetTable {
  readonly set: CharSet;
  readonly #low = new Uint8Array(256);

  constructor(set: CharSet) {
    this.set = set;
    for (let char = 0; char < 256; char++) this.#low[char] = hasChar(set, char) ? 1 : 0;
  }

  has(codePoint: number): boolean {
    return codePoint < 256 ? this.#low[codePoint] === 1 : hasChar(this.set, codePoint);
  }
}

export function compileProgram(parsed: ParsedRegex, source: string): Program {
  const compiler = new Compiler(parsed.groupCount);
  compiler.node(parsed.root);
  compiler.add(op.accept);
  const firsts = firstsOf(parsed.root);
  const loop = leadingLoop(parsed.root);
  return {
    code: Int32Array.from(compiler.code),
    sets: compiler.sets,
    groupCount: parsed.groupCount,
    registers: compiler.registers,
    firsts: firsts && !isNullable(parsed.root) ? new SetTable(firsts) : undefined,
    anchored: isAnchored(parsed.root),
    leading: loop && !hasReference(parsed.root) ? new SetTable(loop) : undefined,
    hasAstral: compiler.hasAstral,
    behindByPairs: /[\u{10000}-\u{10ffff}]/u.test(source),
  };
}

class Compiler {
  readonly code: number[] = [];
  readonly sets: SetTable[] = [];
  registers: number;
  hasAstral = false;
  readonly #setIndex = new Map<CharSet, number>();

  constructor(groupCount: number) {
    this.registers = 2 * (groupCount + 1);
  }

  add(operation: number, ...operands: number[]): number {
    const at = this.code.length;
    this.code.push(operation, ...operands, ...Array<number>(width - 1 - operands.length).fill(0));
    return at;
  }

  node(node: Node): void {
    switch (node.kind) {
      case 'set': {
        const only = onlyChar(node.set);
        if (only !== undefined && only <= 0xffff) this.add(op.char, only);
        else this.add(op.set, this.#set(node.set));
        break;
      }
      case 'sequence':
        for (const item of node.items) this.node(item);
        break;
      case 'choice':
        this.#choice(node.options);
        break;
      case 'group': {
        const local = this.registers++;
        this.add(op.open, local);
        this.node(node.body);
        this.add(op.close, local, node.index);
        break;
      }
      case 'repeat':
        this.#repeat(node);
        break;
      case 'look':
        if (node.direction === 'ahead') this.#apart(op.ahead, node.body, Number(node.negated));
        else this.#apart(op.behind, node.body, Number(node.negated), node.min, node.max);
        break;
      case 'atomic':
        this.#apart(op.atomic, node.body);
        break;
      case 'reference':
        this.add(op.reference, node.group, ['none', 'ascii', 'unicode'].indexOf(node.fold));
        break;
      case 'anchor':
        this.add(op.anchor, anchors.indexOf(node.anchor));
        break;
      case 'lineBreak':
        this.add(op.lineBreak);
        break;
      case 'cluster':
        this.add(op.cluster);
        break;
    }
  }

  #choice(options: readonly Node[]): void {
    const jumps: number[] = [];
    options.forEach((option, i) => {
      if (i === options.length - 1) {
        this.node(option);
        return;
      }
      const split = this.add(op.split);
      this.#patch(split, 1, this.code.length);
      this.node(option);
      jumps.push(this.add(op.jump));
      this.#patch(split, 2, this.code.length);
    });
    for (const jump of jumps) this.#patch(jump, 1, this.code.length);
  }

  #repeat(node: RepeatNode): void {
    const max = node.max === Infinity ? unlimited : node.max;
    const min = Math.min(node.min, unlimited);
    if (node.body.kind === 'set') {
      this.add(op.setLoop, this.#set(node.body.set), min, max, ['greedy', 'lazy', 'possessive'].indexOf(node.mode));
    } else if (node.mode === 'possessive') {
      this.#possessive(node.body, min, max);
    } else if (node.style === 'optional') {
      const split = this.add(op.split);
      const body = this.code.length;
      this.node(node.body);
      this.#patch(split, node.mode === 'lazy' ? 2 : 1, body);
      this.#patch(split, node.mode === 'lazy' ? 1 : 2, this.code.length);
    } else if (node.style === 'rounds' && isEmptyOnly(node.body)) {
      this.#emptyRounds(node.body, min);
    } else {
      this.#loop(node, min, max);
    }
  }

  #loop(node: RepeatNode, min: number, max: number): void {
    const register = this.registers;
    this.registers += 2;
    const mode = 2 * max + Number(node.mode === 'lazy');
    const enter = this.add(op.enter, register, 0, 0, min, mode);
    const body = this.code.length;
    if (node.style === 'rounds') this.#round(node.body);
    else this.node(node.body);
    const loop = this.add(op.loop, register, body, 0, min, mode);
    const again = this.add(op.again, register, body);
    const exit = this.code.length;
    this.#patch(enter, 2, body);
    this.#patch(enter, 3, exit);
    this.#patch(loop, 2, body);
    this.#patch(loop, 3, exit);
    if (node.style === 'rounds' && node.mode === 'greedy' && node.body.kind === 'group') this.add(op.late, register, node.body.index, min);
    if (again + width !== exit) throw new RangeError('the instruction "again" must stand before the exit');
  }

  /** Rounds beyond the needed ones add nothing, and Java takes back what they captured, but not what groups inside them captured. */
  #emptyRounds(body: Node, min: number): void {
    const inner = body.kind === 'group' ? body.body : body;
    if (min > 0) this.#round(body);
    else if (hasGroup(inner)) this.#possessive(inner, 0, 1);
  }

  #possessive(body: Node, min: number, max: number): void {
    const at = this.add(op.rounds, 0, 0, min, max);
    this.#patch(at, 1, this.code.length);
    this.node(body);
    this.add(op.accept);
    this.#patch(at, 2, this.code.length);
  }

  /** A round that keeps its first way: the group around it is set outside, so that giving back rounds sets it anew. */
  #round(body: Node): void {
    if (body.kind !== 'group') {
      this.#apart(op.atomic, body);
      return;
    }
    const local = this.registers++;
    this.add(op.open, local);
    this.#apart(op.atomic, body.body);
    this.add(op.close, local, body.index);
  }

  #apart(operation: number, body: Node, ...operands: number[]): void {
    const at = this.add(operation, 0, 0, ...operands);
    this.#patch(at, 1, this.code.length);
    this.node(body);
    this.add(op.accept);
    this.#patch(at, 2, this.code.length);
  }

  #patch(at: number, operand: number, value: number): void {
    this.code[at + operand] = value;
  }

  #set(set: CharSet): number {
    const known = this.#setIndex.get(set);
    if (known !== undefined) return known;
    this.#setIndex.set(set, this.sets.length);
    this.hasAstral ||= hasAstral(set);
    return this.sets.push(new SetTable(set)) - 1;
  }
}

function firstsOf(node: Node): CharSet | undefined {
  if (node.kind === 'set') return node.set;
  if (node.kind === 'anchor' || node.kind === 'look') return { ranges: [] };
  if (node.kind === 'reference' || node.kind === 'lineBreak' || node.kind === 'cluster') return undefined;
  if (node.kind !== 'sequence') return allOf(partsOf(node).map(firstsOf));
  const end = node.items.findIndex((item) => !isNullable(item));
  return allOf((end === -1 ? node.items : node.items.slice(0, end + 1)).map(firstsOf));
}

function allOf(sets: readonly (CharSet | undefined)[]): CharSet | undefined {
  const known = sets.filter((set) => set !== undefined);
  return known.length === sets.length ? unionAll(known) : undefined;
}

function isAnchored(node: Node): boolean {
  if (node.kind === 'anchor') return node.anchor === 'begin';
  if (node.kind === 'sequence') return node.items[0] !== undefined && isAnchored(node.items[0]);
  return (node.kind === 'choice' || node.kind === 'group' || node.kind === 'atomic') && partsOf(node).every(isAnchored);
}
