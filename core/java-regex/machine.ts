import { anchorHolds, clusterEnd, isPair } from './boundaries.ts';
import { fullFold, swapAsciiCase } from './char-classes.ts';
import { AgentError } from '../errors.ts';
import { op, SetTable, unlimited, width } from './program.ts';
import type { Program } from './program.ts';

/** A text took more steps than it may; it should be put aside. */
export class RegexTimeoutError extends AgentError {
  constructor(pattern: string, length: number) {
    super(
      'M112',
      `gave up matching the regular expression ${JSON.stringify(pattern)} against a text of ${length} characters: too many ways to try; ` +
        'simplify nested repetitions such as (a+)+ or (a|a)*, or anchor the expression',
    );
  }
}

/** Steps left for the texts of a batch; shared by the calls that get the same one. */
export interface StepBudget {
  left: number;
}

/** Most numbers on the stack of one match: 32 MB. */
const maxStack = 8 << 20;

const alternative = 0;
const restore = 1;
const giveBack = 2;
const takeMore = 3;
/** Does nothing on the way back; see `#setLateGroups`. */
const late = 4;

/**
 * Runs programs exactly as Java's matcher does: a backtracking matcher with its own stack, that counts its steps. Slower than a native
 * expression by one to two orders of magnitude, and used only for what JavaScript cannot say or the linear engine cannot run.
 */
export class Machine {
  readonly #program: Program;
  readonly #code: Int32Array;
  readonly #pattern: string;
  /** Begin and end of group n at 2n and 2n + 1 after a match, -1 if it took no part. */
  readonly registers: Int32Array;
  #stack = new Int32Array(1024);
  #top = 0;
  #text = '';
  #end = 0;
  #lastEnd = 0;
  #steps = 0;

  constructor(program: Program, pattern: string) {
    this.#program = program;
    this.#code = program.code;
    this.#pattern = pattern;
    this.registers = new Int32Array(program.registers);
  }

  /**
   * Searches from `from`; `lastEnd` is what `\G` means. With `whole` the match must begin at `from` and reach the end.
   * @throws RegexTimeoutError once the budget is used up
   */
  find(text: string, from: number, lastEnd: number, budget: StepBudget, whole = false): boolean {
    this.#text = text;
    this.#lastEnd = lastEnd;
    this.#steps = budget.left;
    // Once per search, not per position: what Java forgets to take back at one position is still there at the next.
    this.registers.fill(-1);
    this.#hasLate = false;
    try {
      return whole ? this.#matchAt(from, true) : this.#search(from);
    } finally {
      budget.left = this.#steps;
      this.#text = '';
      if (this.#stack.length > 1 << 16) this.#stack = new Int32Array(1024);
    }
  }

  #search(from: number): boolean {
    const { firsts, anchored, hasAstral, leading } = this.#program;
    const text = this.#text;
    for (let at = from; at <= text.length; at++) {
      if (leading !== undefined && at > from && leading.has(text.charCodeAt(at - 1))) {
        if ((this.#steps -= 0.25) < 0) throw this.#timeout();
        continue;
      }
      if (firsts === undefined || (at < text.length && firsts.has(text.codePointAt(at) ?? 0))) {
        if (this.#matchAt(at, false)) return true;
      } else if ((this.#steps -= 0.25) < 0) throw this.#timeout();
      if (anchored) return false;
      if (hasAstral && isPair(text, at)) at++;
    }
    return false;
  }

  #matchAt(at: number, whole: boolean): boolean {
    this.#top = 0;
    if (!this.#run(0, at, whole ? this.#text.length : -1)) return false;
    this.registers[0] = at;
    this.registers[1] = this.#end;
    return true;
  }

  #timeout(): RegexTimeoutError {
    return new RegexTimeoutError(this.#pattern, this.#text.length);
  }

  #push(kind: number, first: number, second: number, third: number): void {
    if (this.#top + 4 > this.#stack.length) {
      if (this.#stack.length >= maxStack) throw this.#timeout();
      const larger = new Int32Array(this.#stack.length * 2);
      larger.set(this.#stack);
      this.#stack = larger;
    }
    const stack = this.#stack;
    const top = this.#top;
    stack[top] = kind;
    stack[top + 1] = first;
    stack[top + 2] = second;
    stack[top + 3] = third;
    this.#top = top + 4;
  }

  #assign(register: number, value: number): void {
    const old = this.registers[register] ?? -1;
    if (old === value) return;
    this.#push(restore, register, old, 0);
    this.registers[register] = value;
  }

  /**
   * Runs from instruction `pc` at `at` to `accept`, which must be met at `mustEnd` unless that is -1. What is left on the stack afterwards is dropped,
   * so that groups set inside stay set even if what follows fails, as in Java.
   */
  #run(pc: number, at: number, mustEnd: number): boolean {
    const base = this.#top;
    const code = this.#code;
    const text = this.#text;
    let next = pc;
    let position = at;
    for (;;) {
      if (--this.#steps < 0) throw this.#timeout();
      let failed = false;
      switch (code[next] ?? -1) {
        case op.accept:
          if (mustEnd === -1 || position === mustEnd) {
            this.#end = position;
            if (this.#hasLate) this.#setLateGroups(base);
            this.#top = base;
            return true;
          }
          failed = true;
          break;
        case op.char:
          if (text.charCodeAt(position) === code[next + 1]) {
            position++;
            next += width;
          } else failed = true;
          break;
        case op.set: {
          const codePoint = text.codePointAt(position);
          if (codePoint !== undefined && this.#setAt(next).has(codePoint)) {
            position += codePoint > 0xffff ? 2 : 1;
            next += width;
          } else failed = true;
          break;
        }
        case op.jump:
          next = code[next + 1] ?? 0;
          break;
        case op.split:
          this.#push(alternative, code[next + 2] ?? 0, position, 0);
          next = code[next + 1] ?? 0;
          break;
        case op.anchor:
          if (anchorHolds(code[next + 1] ?? 0, text, position, this.#lastEnd)) next += width;
          else failed = true;
          break;
        case op.open:
        case op.close:
        case op.enter:
        case op.loop:
        case op.again:
        case op.late:
          next = this.#keepBooks(next, position);
          break;
        default: {
          const end = this.#special(next, position);
          if (end < 0) failed = true;
          else {
            position = end;
            const operation = code[next] ?? -1;
            next = operation >= op.rounds && operation <= op.atomic ? (code[next + 2] ?? 0) : next + width;
          }
        }
      }
      if (!failed) continue;
      next = this.#backtrack(base);
      if (next < 0) return false;
      position = this.#resumeAt;
    }
  }

  /** Instructions that only note where groups and rounds begin and end; answers the next one. */
  #keepBooks(pc: number, at: number): number {
    const code = this.#code;
    const register = code[pc + 1] ?? 0;
    switch (code[pc] ?? -1) {
      case op.open:
        this.#assign(register, at);
        return pc + width;
      case op.close: {
        const group = code[pc + 2] ?? 0;
        this.#assign(2 * group, this.registers[register] ?? -1);
        this.#assign(2 * group + 1, at);
        return pc + width;
      }
      case op.enter:
        this.#assign(register, 0);
        return this.#round(pc, at);
      case op.loop:
        return at > (this.registers[register + 1] ?? 0) ? this.#round(pc, at) : (code[pc + 3] ?? 0);
      case op.late:
        this.#noteLate(pc);
        return pc + width;
      default:
        return this.#beginRound(pc, at);
    }
  }

  #resumeAt = 0;

  /** Undoes until there is another way; answers the instruction to go on with, or -1. */
  #backtrack(base: number): number {
    const stack = this.#stack;
    while (this.#top > base) {
      if (--this.#steps < 0) throw this.#timeout();
      this.#top -= 4;
      const top = this.#top;
      const first = stack[top + 1] ?? 0;
      const second = stack[top + 2] ?? 0;
      const third = stack[top + 3] ?? 0;
      switch (stack[top] ?? -1) {
        case restore:
          this.registers[first] = second;
          break;
        case late:
          break;
        case alternative:
          this.#resumeAt = second;
          return first;
        case giveBack: {
          const shorter = third - (third - 2 >= second && isPair(this.#text, third - 2) ? 2 : 1);
          if (shorter > second) {
            stack[top + 3] = shorter;
            this.#top = top + 4;
          }
          this.#resumeAt = shorter;
          return first + width;
        }
        case takeMore: {
          const codePoint = this.#text.codePointAt(second);
          if (codePoint === undefined || !this.#setAt(first).has(codePoint)) break;
          this.#resumeAt = second + (codePoint > 0xffff ? 2 : 1);
          if (third > 1) {
            stack[top + 2] = this.#resumeAt;
            stack[top + 3] = third - 1;
            this.#top = top + 4;
          }
          return first + width;
        }
        default:
          throw new RangeError('unknown entry on the stack of the regular expression machine');
      }
    }
    return -1;
  }

  #setAt(pc: number): SetTable {
    return this.#program.sets[this.#code[pc + 1] ?? 0] ?? nothing;
  }

  /** Where to go on after the repeated class, or -1. */
  #setLoop(pc: number, at: number): number {
    const code = this.#code;
    const set = this.#setAt(pc);
    const min = code[pc + 2] ?? 0;
    const max = code[pc + 3] ?? 0;
    const mode = code[pc + 4] ?? 0;
    const text = this.#text;
    const wanted = mode === 1 ? min : max;
    let position = at;
    let least = at;
    let count = 0;
    for (; count < wanted; count++) {
      if (count === min) least = position;
      const codePoint = text.codePointAt(position);
      if (codePoint === undefined || !set.has(codePoint)) break;
      position += codePoint > 0xffff ? 2 : 1;
    }
    if ((this.#steps -= (position - at) / 4) < 0) throw this.#timeout();
    if (count < min) return -1;
    if (count === min) least = position;
    if (mode === 0 && position > least) this.#push(giveBack, pc, least, position);
    if (mode === 1 && max > min) this.#push(takeMore, pc, position, max - min);
    return position;
  }

  /** Begins the next round of a loop or leaves it, and notes the other way. Answers the next instruction. */
  #round(pc: number, at: number): number {
    const code = this.#code;
    const register = code[pc + 1] ?? 0;
    const exit = code[pc + 3] ?? 0;
    const mode = code[pc + 5] ?? 0;
    const rounds = this.registers[register] ?? 0;
    if (rounds >= (code[pc + 4] ?? 0)) {
      if (rounds >= mode >> 1) return exit;
      if (mode & 1) {
        // The instruction before the exit begins another round.
        this.#push(alternative, exit - width, at, 0);
        return exit;
      }
      this.#push(alternative, exit, at, 0);
    }
    return this.#beginRound(pc, at);
  }

  #beginRound(pc: number, at: number): number {
    const register = this.#code[pc + 1] ?? 0;
    this.#assign(register, (this.registers[register] ?? 0) + 1);
    this.#assign(register + 1, at);
    return this.#code[pc + 2] ?? 0;
  }

  /** Repeated classes and the less common instructions: where to go on, or -1. */
  #special(pc: number, at: number): number {
    const code = this.#code;
    const body = code[pc + 1] ?? 0;
    switch (code[pc] ?? -1) {
      case op.setLoop:
        return this.#setLoop(pc, at);
      case op.ahead:
        return this.#run(body, at, -1) === (code[pc + 3] === 0) ? at : -1;
      case op.behind:
        return this.#behind(body, at, code[pc + 4] ?? 0, code[pc + 5] ?? 0) === (code[pc + 3] === 0) ? at : -1;
      case op.atomic:
        return this.#run(body, at, -1) ? this.#end : -1;
      case op.rounds:
        return this.#possessive(body, at, code[pc + 3] ?? 0, code[pc + 4] ?? unlimited);
      case op.reference:
        return this.#reference(body, code[pc + 2] ?? 0, at);
      case op.lineBreak:
        return this.#lineBreak(pc, at);
      case op.cluster:
        return at < this.#text.length ? clusterEnd(this.#text, at) : -1;
      default:
        throw new RangeError('unknown instruction of the regular expression machine');
    }
  }

  #hasLate = false;

  /** At the exit of a loop that had more rounds than it needed: its group will be set once more when all else has matched. */
  #noteLate(pc: number): void {
    const code = this.#code;
    if ((this.registers[code[pc + 1] ?? 0] ?? 0) <= (code[pc + 3] ?? 0)) return;
    const group = code[pc + 2] ?? 0;
    this.#push(late, group, this.registers[2 * group] ?? -1, this.registers[2 * group + 1] ?? -1);
    this.#hasLate = true;
  }

  /**
   * Java sets the group of such a loop again on the way out of its recursion, so that of several passes through the loop the first one
   * shows: `(?:(\\d)*,)+` has group 1 = `2` after `12,34,`.
   */
  #setLateGroups(base: number): void {
    for (let at = this.#top - 4; at >= base; at -= 4) {
      if (this.#stack[at] !== late) continue;
      const group = this.#stack[at + 1] ?? 0;
      this.registers[2 * group] = this.#stack[at + 2] ?? -1;
      this.registers[2 * group + 1] = this.#stack[at + 3] ?? -1;
    }
  }

  #behind(body: number, at: number, min: number, max: number): boolean {
    const text = this.#text;
    const byPairs = this.#program.behindByPairs;
    // In 32 bits, as Java reckons: a most length that overflowed reaches far back or not at all.
    const least = byPairs ? 0 : Math.max((at - max) | 0, 0);
    let begin = at;
    for (let count = 0; begin >= least; count++) {
      if (byPairs && count > max) return false;
      if (count >= min && this.#run(body, begin, at)) return true;
      if (begin === 0) return false;
      begin -= byPairs && begin >= 2 && isPair(text, begin - 2) ? 2 : 1;
    }
    return false;
  }

  #possessive(body: number, at: number, min: number, max: number): number {
    let position = at;
    for (let count = 0; count < max; count++) {
      if (!this.#run(body, position, -1)) return count < min ? -1 : position;
      if (this.#end === position && count >= min) break;
      position = this.#end;
    }
    return position;
  }

  #reference(group: number, fold: number, at: number): number {
    if (group > this.#program.groupCount) return -1;
    const begin = this.registers[2 * group] ?? -1;
    const end = this.registers[2 * group + 1] ?? -1;
    if (begin < 0 || at + end - begin > this.#text.length) return -1;
    this.#steps -= (end - begin) / 4;
    for (let offset = 0; offset < end - begin; offset++) {
      const left = this.#text.charCodeAt(begin + offset);
      const right = this.#text.charCodeAt(at + offset);
      if (left === right || (fold === 1 && swapAsciiCase(left) === right)) continue;
      if (fold !== 2 || fullFold(left) !== fullFold(right)) return -1;
    }
    return at + end - begin;
  }

  #lineBreak(pc: number, at: number): number {
    const unit = this.#text.charCodeAt(at);
    if (unit === 13 && this.#text.charCodeAt(at + 1) === 10) {
      this.#push(alternative, pc + width, at + 1, 0);
      return at + 2;
    }
    return (unit >= 10 && unit <= 13) || unit === 0x85 || unit === 0x2028 || unit === 0x2029 ? at + 1 : -1;
  }
}

const nothing = new SetTable({ ranges: [] });
