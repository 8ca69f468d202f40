import { charsOf, charsOfProperty, charRange, complement, hasChar, intersection, union, unionAll, noChars } from './char-set.ts';
import type { CharSet } from './char-set.ts';
import { blocks } from './unicode-blocks.ts';

/** Java's predefined classes; `unicode` is the flag `(?U)`. */
export const horizontalSpace: CharSet = unionAll([charsOf(' \t\u00a0\u1680\u180e\u202f\u205f\u3000'), charRange(0x2000, 0x200a)]);
export const verticalSpace: CharSet = unionAll([charRange(0x0a, 0x0d), charsOf('\u0085\u2028\u2029')]);
export const lineTerminators: CharSet = charsOf('\n\r\u0085\u2028\u2029');

const asciiDigit = charRange(0x30, 0x39);
const asciiLower = charRange(0x61, 0x7a);
const asciiUpper = charRange(0x41, 0x5a);
const asciiAlpha = union(asciiLower, asciiUpper);
const asciiPunct = unionAll([charRange(0x21, 0x2f), charRange(0x3a, 0x40), charRange(0x5b, 0x60), charRange(0x7b, 0x7e)]);
const asciiSpace = union(charRange(0x09, 0x0d), charsOf(' '));
const asciiWord = unionAll([asciiAlpha, asciiDigit, charsOf('_')]);

export function digits(unicode: boolean): CharSet {
  return unicode ? charsOfProperty('\\p{Nd}') : asciiDigit;
}

export function spaces(unicode: boolean): CharSet {
  return unicode ? charsOfProperty('\\p{White_Space}') : asciiSpace;
}

export function wordChars(unicode: boolean): CharSet {
  return unicode ? charsOfProperty('[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]') : asciiWord;
}

/** What `\b` without `(?U)` takes for a word before Java 19. */
export function letterOrDigitOrLowLine(): CharSet {
  return union(charsOfProperty('[\\p{L}\\p{Nd}]'), charsOf('_'));
}

/**
 * The class that `\p{name}` names, or `undefined` if Java knows none. `unicode` is `(?U)`, `fold` is `(?i)`: classes of one letter case then
 * have both.
 * @throws Error with a sentence for a name that Java knows and this translation does not.
 */
export function namedClass(name: string, unicode: boolean, fold: boolean): CharSet | undefined {
  const equals = name.indexOf('=');
  if (equals !== -1) {
    const value = name.slice(equals + 1);
    switch (name.slice(0, equals).toLowerCase()) {
      case 'sc':
      case 'script':
        return script(value);
      case 'blk':
      case 'block':
        return block(value);
      case 'gc':
      case 'general_category':
        return property(value, fold);
      default:
        return undefined;
    }
  }
  if (name.startsWith('In')) return block(name.slice(2));
  if (name.startsWith('Is')) {
    const rest = name.slice(2);
    return unicodeProperty(rest.toUpperCase(), fold) ?? property(rest, fold) ?? script(rest);
  }
  return (unicode ? posixAsUnicode(name.toUpperCase(), fold) : undefined) ?? property(name, fold);
}

function script(name: string): CharSet | undefined {
  // Java ignores letter case here; JavaScript wants Title_Case or the four-letter code.
  const spelled = name.toLowerCase().replace(/(^|_)([a-z])/g, (_, low: string, letter: string) => low + letter.toUpperCase());
  for (const candidate of [name, spelled]) {
    if (!/^[A-Za-z_]+$/.test(candidate)) return undefined;
    try {
      return charsOfProperty(`\\p{Script=${candidate}}`);
    } catch {
      // This spelling is unknown to the engine: the next one is tried.
    }
  }
  return undefined;
}

function block(name: string): CharSet {
  const key = name.toLowerCase().replace(/[ _-]/g, '');
  const range = blocks[key];
  if (!range) throw new Error(`the Unicode block "${name}" is not known here; write its range as [\\x{begin}-\\x{end}]`);
  return charRange(range[0], range[1]);
}

const categories = 'Cn Lu Ll Lt Lm Lo Mn Me Mc Nd Nl No Zs Zl Zp Cc Cf Co Cs Pd Ps Pe Pc Po Sm Sc Sk So Pi Pf L M N Z C P S LC'.split(' ');

function property(name: string, fold: boolean): CharSet | undefined {
  if (fold && ['Lu', 'Ll', 'Lt'].includes(name)) return charsOfProperty('[\\p{Lu}\\p{Ll}\\p{Lt}]');
  if (categories.includes(name)) return charsOfProperty(`\\p{${name}}`);
  switch (name) {
    case 'LD':
      return charsOfProperty('[\\p{L}\\p{Nd}]');
    case 'L1':
      return charRange(0, 0xff);
    case 'all':
      return charRange(0, 0x10ffff);
    case 'ASCII':
      return charRange(0, 0x7f);
    case 'Alnum':
      return union(asciiAlpha, asciiDigit);
    case 'Alpha':
      return asciiAlpha;
    case 'Blank':
      return charsOf(' \t');
    case 'Cntrl':
      return union(charRange(0, 0x1f), charRange(0x7f, 0x7f));
    case 'Digit':
      return asciiDigit;
    case 'Graph':
      return charRange(0x21, 0x7e);
    case 'Lower':
      return fold ? asciiAlpha : asciiLower;
    case 'Print':
      return charRange(0x20, 0x7e);
    case 'Punct':
      return asciiPunct;
    case 'Space':
      return asciiSpace;
    case 'Upper':
      return fold ? asciiAlpha : asciiUpper;
    case 'XDigit':
      return unionAll([asciiDigit, charRange(0x41, 0x46), charRange(0x61, 0x66)]);
    default:
      return name.startsWith('java') ? javaClass(name.slice(4), fold) : undefined;
  }
}

const identifierIgnorable = unionAll([charRange(0, 8), charRange(0x0e, 0x1b), charRange(0x7f, 0x9f)]);

function javaClass(name: string, fold: boolean): CharSet | undefined {
  if (fold && ['LowerCase', 'UpperCase', 'TitleCase'].includes(name)) return charsOfProperty('[\\p{Lowercase}\\p{Uppercase}\\p{Lt}]');
  const simple: Readonly<Record<string, string>> = {
    LowerCase: '\\p{Lowercase}',
    UpperCase: '\\p{Uppercase}',
    TitleCase: '\\p{Lt}',
    Alphabetic: '\\p{Alphabetic}',
    Ideographic: '\\p{Ideographic}',
    Digit: '\\p{Nd}',
    Defined: '\\P{Cn}',
    Letter: '\\p{L}',
    LetterOrDigit: '[\\p{L}\\p{Nd}]',
    SpaceChar: '\\p{Z}',
    ISOControl: '\\p{Cc}',
    Mirrored: '\\p{Bidi_Mirrored}',
    JavaIdentifierStart: '[\\p{L}\\p{Nl}\\p{Sc}\\p{Pc}]',
  };
  const className = Object.hasOwn(simple, name) ? simple[name] : undefined;
  if (className !== undefined) return charsOfProperty(className);
  switch (name) {
    case 'Whitespace': {
      const noBreak = charsOf('\u00a0\u2007\u202f');
      return unionAll([intersection(charsOfProperty('\\p{Z}'), complement(noBreak)), charRange(0x09, 0x0d), charRange(0x1c, 0x1f)]);
    }
    case 'IdentifierIgnorable':
      return union(identifierIgnorable, charsOfProperty('\\p{Cf}'));
    case 'JavaIdentifierPart':
      return union(charsOfProperty('[\\p{L}\\p{Nl}\\p{Sc}\\p{Pc}\\p{Nd}\\p{Mc}\\p{Mn}\\p{Cf}]'), identifierIgnorable);
    case 'UnicodeIdentifierStart':
      return charsOfProperty('\\p{ID_Start}');
    case 'UnicodeIdentifierPart':
      return union(charsOfProperty('[\\p{ID_Continue}\\p{Cf}]'), identifierIgnorable);
    default:
      return undefined;
  }
}

function unicodeProperty(name: string, fold: boolean): CharSet | undefined {
  if (fold && ['LOWERCASE', 'UPPERCASE', 'TITLECASE'].includes(name)) return charsOfProperty('[\\p{Lowercase}\\p{Uppercase}\\p{Lt}]');
  const simple: Readonly<Record<string, string>> = {
    ALPHABETIC: '\\p{Alphabetic}',
    ASSIGNED: '\\P{Cn}',
    CONTROL: '\\p{Cc}',
    HEXDIGIT: '[\\p{Nd}A-Fa-f\\uff21-\\uff26\\uff41-\\uff46]',
    IDEOGRAPHIC: '\\p{Ideographic}',
    JOINCONTROL: '\\p{Join_Control}',
    LETTER: '\\p{L}',
    LOWERCASE: '\\p{Lowercase}',
    NONCHARACTERCODEPOINT: '\\p{Noncharacter_Code_Point}',
    TITLECASE: '\\p{Lt}',
    PUNCTUATION: '\\p{P}',
    UPPERCASE: '\\p{Uppercase}',
    WHITESPACE: '\\p{White_Space}',
    WORD: '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]',
    DIGIT: '\\p{Nd}',
    ALNUM: '[\\p{Alphabetic}\\p{Nd}]',
  };
  const plain = name.replace(/^(HEX)_(DIGIT)$|^(WHITE)_(SPACE)$|^(JOIN)_(CONTROL)$/, '$1$2$3$4$5$6').replace('NONCHARACTER_CODE_POINT', 'NONCHARACTERCODEPOINT');
  const className = Object.hasOwn(simple, plain) ? simple[plain] : undefined;
  if (className !== undefined) return charsOfProperty(className);
  switch (name) {
    case 'BLANK':
      return union(charsOfProperty('\\p{Zs}'), charsOf('\t'));
    case 'GRAPH':
      return graph();
    case 'PRINT':
      return intersection(union(graph(), union(charsOfProperty('\\p{Zs}'), charsOf('\t'))), complement(charsOfProperty('\\p{Cc}')));
    default:
      return undefined;
  }
}

function graph(): CharSet {
  return complement(charsOfProperty('[\\p{Z}\\p{Cc}\\p{Cs}\\p{Cn}]'));
}

function posixAsUnicode(name: string, fold: boolean): CharSet | undefined {
  const names: Readonly<Record<string, string>> = {
    ALPHA: 'ALPHABETIC',
    LOWER: 'LOWERCASE',
    UPPER: 'UPPERCASE',
    SPACE: 'WHITESPACE',
    PUNCT: 'PUNCTUATION',
    XDIGIT: 'HEXDIGIT',
    ALNUM: 'ALNUM',
    CNTRL: 'CONTROL',
    DIGIT: 'DIGIT',
    BLANK: 'BLANK',
    GRAPH: 'GRAPH',
    PRINT: 'PRINT',
  };
  return Object.hasOwn(names, name) ? unicodeProperty(names[name] ?? '', fold) : undefined;
}

/** What a single character matches under `(?i)`, with or without `(?u)`. */
export function foldChar(codePoint: number, unicode: boolean): CharSet {
  if (!unicode) return foldRange(codePoint, codePoint, false);
  const folded = fullFold(codePoint);
  return union(charRange(codePoint, codePoint), foldClasses().get(folded) ?? charRange(folded, folded));
}

/** What a range of a class matches under `(?i)`, with or without `(?u)`. */
export function foldRange(begin: number, end: number, unicode: boolean): CharSet {
  const range = charRange(begin, end);
  if (!unicode) {
    const letters = intersection(range, asciiAlpha);
    return letters.ranges.length === 0 ? range : unionAll([range, { ranges: letters.ranges.map((char) => char & ~0x20) }, shiftUp(letters)]);
  }
  const members: CharSet[] = [range];
  for (const char of casedChars()) {
    const upper = simpleUpper(char);
    if (hasChar(range, upper) || hasChar(range, simpleLower(upper))) members.push(charRange(char, char));
  }
  return unionAll(members);
}

/** The other spelling of an ASCII letter, else the character itself. */
export function swapAsciiCase(unit: number): number {
  return (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a) ? unit ^ 0x20 : unit;
}

/** Lower case of the upper case, as Java compares under `(?iu)`. */
export function fullFold(codePoint: number): number {
  return simpleLower(simpleUpper(codePoint));
}

function shiftUp(letters: CharSet): CharSet {
  // A range such as [Z-a] holds letters of both cases in two ranges, so each can be shifted by itself.
  return unionAll([noChars, { ranges: letters.ranges.map((char) => char | 0x20) }]);
}

function simpleUpper(codePoint: number): number {
  const upper = String.fromCodePoint(codePoint).toUpperCase();
  const first = upper.codePointAt(0) ?? codePoint;
  // JavaScript maps to several characters where Java's single-character mapping has none.
  return String.fromCodePoint(first) === upper ? first : codePoint;
}

function simpleLower(codePoint: number): number {
  if (codePoint === 0x130) return 0x69;
  const lower = String.fromCodePoint(codePoint).toLowerCase();
  const first = lower.codePointAt(0) ?? codePoint;
  return String.fromCodePoint(first) === lower ? first : codePoint;
}

let cased: readonly number[] | undefined;

function casedChars(): readonly number[] {
  if (!cased) {
    const found: number[] = [];
    const { ranges } = charsOfProperty('[\\p{Changes_When_Lowercased}\\p{Changes_When_Uppercased}]');
    for (let i = 0; i < ranges.length; i += 2) for (let char = ranges[i] ?? 0; char <= (ranges[i + 1] ?? -1); char++) found.push(char);
    cased = found;
  }
  return cased;
}

let classes: ReadonlyMap<number, CharSet> | undefined;

function foldClasses(): ReadonlyMap<number, CharSet> {
  if (!classes) {
    const found = new Map<number, CharSet>();
    for (const char of casedChars()) {
      const key = fullFold(char);
      found.set(key, unionAll([found.get(key) ?? charRange(key, key), charRange(char, char)]));
    }
    classes = found;
  }
  return classes;
}
