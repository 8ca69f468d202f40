import { charRange, complement, intersection, noChars, union, allChars } from './char-set.ts';
import type { CharSet } from './char-set.ts';
import {
  digits,
  foldChar,
  foldRange,
  horizontalSpace,
  lineTerminators,
  namedClass,
  spaces,
  verticalSpace,
  wordChars,
} from './char-classes.ts';
import { PatternReader } from './pattern-reader.ts';
import { extentOf } from './extent.ts';
import type { Anchor, Fold, Node, ParsedRegex, RepeatNode } from './syntax.ts';

/**
 * Parses a Java 17 regular expression. Accepts and refuses what `java.util.regex.Pattern` does, its oddities included (`{2}` repeats
 * nothing, `a{2}{3}` is `aa`), because a pattern that Flume runs must run here.
 * @throws PatternSyntaxError
 */
export function parseJavaRegex(source: string): ParsedRegex {
  return new Parser(source).parse();
}

class Parser {
  readonly #in: PatternReader;
  readonly #names = new Map<string, number>();
  #groups = 0;

  constructor(source: string) {
    this.#in = new PatternReader(source);
  }

  parse(): ParsedRegex {
    const root = this.#choice();
    if (!this.#in.atEnd) throw this.#in.error(this.#in.peek() === code(')') ? "Unmatched closing ')'" : 'Unexpected internal error');
    return { root, groupCount: this.#groups, groupNames: this.#names };
  }

  #choice(): Node {
    const options = [this.#sequence()];
    while (this.#in.peek() === code('|')) {
      this.#in.next();
      options.push(this.#sequence());
    }
    return options.length === 1 ? (options[0] ?? empty) : { kind: 'choice', options };
  }

  #sequence(): Node {
    const input = this.#in;
    const items: Node[] = [];
    for (;;) {
      const char = input.peek();
      if (char === code('|') || char === code(')') || (char === 0 && input.atEnd)) break;
      if (char === code('(')) {
        const group = this.#group();
        if (group) items.push(group);
        continue;
      }
      items.push(this.#quantified(this.#atom(char), false));
    }
    return items.length === 1 ? (items[0] ?? empty) : { kind: 'sequence', items };
  }

  #atom(char: number): Node {
    const input = this.#in;
    switch (String.fromCodePoint(char)) {
      case '[':
        return { kind: 'set', set: this.#class(true) };
      case '\\':
        return this.#escape();
      case '^':
        input.next();
        return anchor(input.flags.multiline ? (input.flags.unixLines ? 'lineBeginUnix' : 'lineBegin') : 'begin');
      case '$': {
        input.next();
        const unix = input.flags.unixLines;
        if (input.flags.multiline) return anchor(unix ? 'lineEndUnix' : 'lineEnd');
        return anchor(unix ? 'dollarUnix' : 'dollar');
      }
      case '.':
        input.next();
        if (input.flags.dotAll) return { kind: 'set', set: allChars };
        return { kind: 'set', set: complement(input.flags.unixLines ? charRange(10, 10) : lineTerminators) };
      case '?':
      case '*':
      case '+':
        input.next();
        throw input.error(`Dangling meta character '${String.fromCodePoint(char)}'`);
      case '{':
        // Java reads an atom of no characters here and then its repetition.
        return empty;
      default:
        input.next();
        return { kind: 'set', set: this.#literal(char) };
    }
  }

  #literal(char: number): CharSet {
    return this.#in.flags.fold ? foldChar(char, this.#in.flags.unicodeFold) : charRange(char, char);
  }

  #escape(): Node {
    const input = this.#in;
    const escaped = input.nextEscaped();
    if (escaped === code('p') || escaped === code('P')) return { kind: 'set', set: this.#property(escaped === code('P')) };
    input.step();
    const set = this.#classEscape(escaped);
    if (set) return { kind: 'set', set };
    if (escaped >= code('1') && escaped <= code('9')) return { kind: 'reference', group: this.#groupNumber(escaped - 48), fold: this.#fold() };
    switch (String.fromCodePoint(escaped)) {
      case 'A':
        return anchor('begin');
      case 'z':
        return anchor('end');
      case 'Z':
        return anchor(input.flags.unixLines ? 'dollarUnix' : 'dollar');
      case 'G':
        return anchor('lastMatch');
      case 'B':
        return anchor(input.flags.unicodeClasses ? 'notUnicodeWord' : 'notWord');
      case 'b':
        return anchor(this.#wordBoundary());
      case 'R':
        return { kind: 'lineBreak' };
      case 'X':
        return { kind: 'cluster' };
      case 'k':
        return { kind: 'reference', group: this.#namedReference(), fold: this.#fold() };
      default:
        return { kind: 'set', set: this.#literal(input.escapedChar(escaped)) };
    }
  }

  #fold(): Fold {
    const { fold, unicodeFold } = this.#in.flags;
    return fold ? (unicodeFold ? 'unicode' : 'ascii') : 'none';
  }

  #wordBoundary(): Anchor {
    const input = this.#in;
    if (input.takeRaw('{g}')) return 'clusterBoundary';
    if (input.rawStartsWith('{g')) throw input.error('Illegal/unsupported escape sequence');
    return input.flags.unicodeClasses ? 'unicodeWord' : 'word';
  }

  /** More digits belong to the number as long as there is such a group. */
  #groupNumber(first: number): number {
    const input = this.#in;
    let group = first;
    for (let char = input.peek(); char >= 48 && char <= 57; char = input.peek()) {
      const longer = group * 10 + char - 48;
      if (longer > this.#groups) break;
      group = longer;
      input.read();
    }
    return group;
  }

  #namedReference(): number {
    const input = this.#in;
    if (input.read() !== code('<')) throw input.error("\\k is not followed by '<' for named capturing group");
    const name = input.groupName(input.read());
    const group = this.#names.get(name);
    if (group === undefined) throw input.error(`named capturing group <${name}> does not exist`);
    return group;
  }

  /** `\d` and its like; `undefined` if the letter is no class. */
  #classEscape(letter: number): CharSet | undefined {
    const unicode = this.#in.flags.unicodeClasses;
    switch (String.fromCodePoint(letter)) {
      case 'd':
        return digits(unicode);
      case 'D':
        return complement(digits(unicode));
      case 's':
        return spaces(unicode);
      case 'S':
        return complement(spaces(unicode));
      case 'w':
        return wordChars(unicode);
      case 'W':
        return complement(wordChars(unicode));
      case 'h':
        return horizontalSpace;
      case 'H':
        return complement(horizontalSpace);
      case 'v':
        return verticalSpace;
      case 'V':
        return complement(verticalSpace);
      default:
        return undefined;
    }
  }

  /** At the `p` of `\p`. */
  #property(negated: boolean): CharSet {
    const input = this.#in;
    const name = input.propertyName();
    let set: CharSet | undefined;
    try {
      set = namedClass(name, input.flags.unicodeClasses, input.flags.fold);
    } catch (cause) {
      throw input.error(cause instanceof Error ? cause.message : String(cause));
    }
    if (!set) throw input.error(`Unknown character property name {${name}}`);
    return negated ? complement(set) : set;
  }

  /** At `(`. Nothing for `(?i)` and its like. */
  #group(): Node | undefined {
    const input = this.#in;
    const flags = input.flags;
    let node: Node;
    let isGroup = true;
    if (input.next() === code('?')) {
      const kind = String.fromCodePoint(input.skip());
      if (kind === ':') node = plainGroup(this.#choice());
      else if (kind === '=' || kind === '!') {
        node = { kind: 'look', direction: 'ahead', negated: kind === '!', body: this.#choice(), min: 0, max: 0 };
        isGroup = false;
      } else if (kind === '>') {
        node = { kind: 'atomic', body: this.#choice() };
        isGroup = false;
      } else if (kind === '<') {
        node = this.#namedOrBehind();
        isGroup = node.kind === 'group';
      } else if (kind === '$' || kind === '@') throw input.error('Unknown group type');
      else {
        input.unread();
        input.readFlags();
        const end = input.read();
        if (end === code(')')) return undefined;
        if (end !== code(':')) throw input.error('Unknown inline modifier');
        node = plainGroup(this.#choice());
      }
    } else {
      const index = ++this.#groups;
      node = { kind: 'group', index, body: this.#choice() };
    }
    input.accept(code(')'), 'Unclosed group');
    input.flags = flags;
    return this.#quantified(node, isGroup);
  }

  #namedOrBehind(): Node {
    const input = this.#in;
    const char = input.read();
    if (char === code('=') || char === code('!')) {
      const body = this.#choice();
      const { min, max, hasMax } = extentOf(body);
      if (!hasMax) throw input.error('Look-behind group does not have an obvious maximum length');
      return { kind: 'look', direction: 'behind', negated: char === code('!'), body, min, max };
    }
    const name = input.groupName(char);
    if (this.#names.has(name)) throw input.error(`Named capturing group <${name}> is already defined`);
    const index = ++this.#groups;
    this.#names.set(name, index);
    return { kind: 'group', index, body: this.#choice() };
  }

  #quantified(body: Node, isGroup: boolean): Node {
    const quantifier = this.#in.quantifier();
    if (!quantifier) return body;
    const { min, max, mode, optional } = quantifier;
    // What is no group keeps its first way of matching in each round.
    const atom: Node = isGroup || body.kind === 'set' ? body : { kind: 'atomic', body };
    const style: RepeatNode['style'] = optional ? 'optional' : mode === 'possessive' || !isGroup || extentOf(body).oneWay ? 'rounds' : 'loop';
    return { kind: 'repeat', body: atom, min, max, mode, style };
  }

  /** At `[`, or for the right side of `&&` before its first character (`whole` is false and the `]` is left). */
  #class(whole: boolean): CharSet {
    const input = this.#in;
    let char = input.next();
    const negated = char === code('^') && input.previousRaw() === code('[');
    if (negated) char = input.next();
    // Single characters below U+0100 are kept apart: Java adds them once more after an intersection that follows them.
    let singles: CharSet | undefined;
    let pending = false;
    let result: CharSet | undefined;
    for (;;) {
      if (char === code('[')) {
        const nested = this.#class(true);
        result = result ? union(result, nested) : nested;
        char = input.peek();
        continue;
      }
      if (char === code('&')) {
        if (input.next() === code('&')) {
          const right = this.#intersected();
          if (pending) result = result ? union(result, singles ?? noChars) : singles;
          pending = false;
          if (!result && !right) throw input.error('Bad class syntax');
          result = result && right ? intersection(result, right) : (result ?? right);
          char = input.peek();
          continue;
        }
        input.unread();
      } else if (char === 0 && input.atEnd) {
        throw input.error('Unclosed character class');
      } else if (char === code(']') && (result !== undefined || pending)) {
        if (whole) input.next();
        const all = pending ? union(result ?? noChars, singles ?? noChars) : (result ?? noChars);
        return negated ? complement(all) : all;
      }
      const member = this.#classMember();
      if (member.single) {
        singles = singles ? union(singles, member.set) : member.set;
        pending = true;
      } else result = result ? union(result, member.set) : member.set;
      char = input.peek();
    }
  }

  /** The right side of `&&`. */
  #intersected(): CharSet | undefined {
    const input = this.#in;
    let right: CharSet | undefined;
    let char = input.next();
    while (char !== code(']') && char !== code('&')) {
      if (char === code('[')) {
        const nested = this.#class(true);
        right = right ? union(right, nested) : nested;
      } else {
        input.unread();
        const run = this.#class(false);
        right = right ? union(right, run) : run;
      }
      char = input.peek();
    }
    return right;
  }

  #classMember(): { set: CharSet; single: boolean } {
    const input = this.#in;
    const begin = this.#classChar(false);
    if (typeof begin !== 'number') return { set: begin, single: false };
    if (input.peek() === code('-')) {
      const after = input.rawAt(1);
      if (after !== code(']') && after !== code('[')) {
        input.next();
        const end = this.#classChar(true);
        if (typeof end !== 'number' || end < begin) throw input.error('Illegal character range');
        const { fold, unicodeFold } = input.flags;
        return { set: fold ? foldRange(begin, end, unicodeFold) : charRange(begin, end), single: false };
      }
    }
    return { set: this.#literal(begin), single: begin < 0x100 };
  }

  /** One character of a class, or a class by an escape. */
  #classChar(endsRange: boolean): number | CharSet {
    const input = this.#in;
    const char = input.peek();
    if (char !== code('\\')) {
      input.next();
      return char;
    }
    const escaped = input.nextEscaped();
    if (!endsRange && (escaped === code('p') || escaped === code('P'))) return this.#property(escaped === code('P'));
    const beginsRange = input.rawAt(1) === code('-');
    input.step();
    if (escaped === code('v') && (beginsRange || endsRange)) return 0x0b;
    return this.#classEscape(escaped) ?? input.escapedChar(escaped);
  }
}

const empty: Node = { kind: 'sequence', items: [] };

/** A lone capturing group within `(?:…)` stays apart from it: what repeats is then not the capturing group. */
function plainGroup(body: Node): Node {
  return body.kind === 'group' ? { kind: 'sequence', items: [body] } : body;
}

function anchor(type: Anchor): Node {
  return { kind: 'anchor', anchor: type };
}

function code(char: string): number {
  return char.charCodeAt(0);
}
