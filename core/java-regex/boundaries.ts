import { letterOrDigitOrLowLine, lineTerminators, wordChars } from './char-classes.ts';
import { charsOfProperty } from './char-set.ts';
import { anchors, SetTable } from './program.ts';

/** True if the anchor of that number (in `anchors`) holds at a place of the text; `lastEnd` is where `\G` does. */
export function anchorHolds(anchor: number, text: string, at: number, lastEnd: number): boolean {
  const type = anchors[anchor];
  if (type === undefined) throw new Error('an anchor of the program is not known');
  switch (type) {
    case 'begin':
      return at === 0;
    case 'end':
      return at === text.length;
    case 'dollar':
      return at === text.length || (text.length - at <= 2 && atLineEnd(text, at) && lineEndLength(text, at) === text.length - at);
    case 'dollarUnix':
      return at === text.length || (at === text.length - 1 && text.charCodeAt(at) === 10);
    case 'lineBegin':
      if (at === text.length) return false;
      return at === 0 || (isLineTerminator(text, at - 1) && !(text.charCodeAt(at - 1) === 13 && text.charCodeAt(at) === 10));
    case 'lineBeginUnix':
      return at < text.length && (at === 0 || text.charCodeAt(at - 1) === 10);
    case 'lineEnd':
      return at === text.length || atLineEnd(text, at);
    case 'lineEndUnix':
      return at === text.length || text.charCodeAt(at) === 10;
    case 'word':
      return isWordEdge(text, at, letters());
    case 'notWord':
      return !isWordEdge(text, at, letters());
    case 'unicodeWord':
      return isWordEdge(text, at, unicodeWords());
    case 'notUnicodeWord':
      return !isWordEdge(text, at, unicodeWords());
    case 'clusterBoundary':
      return isClusterBoundary(text, at);
    case 'lastMatch':
      break;
  }
  return at === lastEnd;
}

/** True if a character beyond U+FFFF begins there. */
export function isPair(text: string, at: number): boolean {
  return (text.codePointAt(at) ?? 0) > 0xffff;
}

const terminators = new SetTable(lineTerminators);

function isLineTerminator(text: string, at: number): boolean {
  return at < text.length && terminators.has(text.charCodeAt(at));
}

/** Before a line terminator, but not within `\r\n`. */
function atLineEnd(text: string, at: number): boolean {
  return isLineTerminator(text, at) && !(text.charCodeAt(at) === 10 && at > 0 && text.charCodeAt(at - 1) === 13);
}

function lineEndLength(text: string, at: number): number {
  return text.charCodeAt(at) === 13 && text.charCodeAt(at + 1) === 10 ? 2 : 1;
}

let letterTable: SetTable | undefined;
let wordTable: SetTable | undefined;
let markTable: SetTable | undefined;

function letters(): SetTable {
  return (letterTable ??= new SetTable(letterOrDigitOrLowLine()));
}

function unicodeWords(): SetTable {
  return (wordTable ??= new SetTable(wordChars(true)));
}

function marks(): SetTable {
  return (markTable ??= new SetTable(charsOfProperty('\\p{Mn}')));
}

function isWordEdge(text: string, at: number, words: SetTable): boolean {
  const left = at > 0 && isWordChar(text, at - (at >= 2 && isPair(text, at - 2) ? 2 : 1), words);
  const right = at < text.length && isWordChar(text, at, words);
  return left !== right;
}

/** A mark belongs to the word if a letter or digit stands before it and its fellow marks. */
function isWordChar(text: string, at: number, words: SetTable): boolean {
  const codePoint = text.codePointAt(at) ?? 0;
  if (words.has(codePoint)) return true;
  if (codePoint < 0x300 || !marks().has(codePoint)) return false;
  for (let before = at; before >= 0; before--) {
    const char = text.codePointAt(before) ?? 0;
    if (char !== 0x5f && letters().has(char)) return true;
    if (!marks().has(char)) return false;
  }
  return false;
}

let segmenter: Intl.Segmenter | undefined;

/** No cluster that matters is longer; the limit keeps long texts from being copied again and again. */
const longestCluster = 64;

/** Where the grapheme cluster that begins there ends. */
export function clusterEnd(text: string, at: number): number {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  for (const { segment } of segmenter.segment(text.slice(at, at + longestCluster))) return at + segment.length;
  return at;
}

function isClusterBoundary(text: string, at: number): boolean {
  if (at === 0 || at === text.length) return true;
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  const begin = Math.max(0, at - longestCluster);
  const found = segmenter.segment(text.slice(begin, at + longestCluster)).containing(at - begin);
  return found === undefined || found.index === at - begin;
}
