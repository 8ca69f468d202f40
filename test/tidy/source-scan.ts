import { stripTypeScriptTypes } from 'node:module';

/** What the rules look at in one source file. All texts keep the lines of the file. */
export interface SourceScan {
  /** Types, comments, and the insides of texts and regular expressions blanked out. */
  readonly code: string;
  readonly imports: readonly Import[];
  readonly functions: readonly { readonly line: number; readonly lines: number }[];
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** At the top of the module, so loaded with it. Imports of types alone are not. */
  readonly static: boolean;
  readonly typeOnly: boolean;
}

/** Scans TypeScript by its brackets and quotes: no compiler with a JavaScript interface is at hand. */
export function scanSource(text: string): SourceScan {
  const withTexts = blank(text, false);
  return {
    code: blank(stripTypeScriptTypes(text), true),
    imports: importsOf(withTexts),
    functions: functionsOf(blank(stripTypeScriptTypes(text), true)),
  };
}

/** `await import('x')`, `getBuiltinModule('x')` and the like count as not static. */
function importsOf(text: string): readonly Import[] {
  const found: Import[] = [];
  const lineOf = (index: number): number => text.slice(0, index).split('\n').length;
  for (const match of text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s*)?'([^']+)'/gm)) {
    found.push({ specifier: match[2] ?? '', line: lineOf(match.index), static: true, typeOnly: match[1] !== undefined });
  }
  for (const match of text.matchAll(/\b(?:import|require|getBuiltinModule|createRequire)\(\s*'([^']+)'/g)) {
    found.push({ specifier: match[1] ?? '', line: lineOf(match.index), static: false, typeOnly: false });
  }
  return found;
}

const NO_FUNCTION = /\b(?:if|for|while|switch|catch|with|await)\s*$/;

/** A block behind `=>`, or behind brackets that no statement word stands in front of, is a function. */
function functionsOf(code: string): SourceScan['functions'] {
  const found: { line: number; lines: number }[] = [];
  const open: { function: boolean; line: number }[] = [];
  const brackets: number[] = [];
  let lastBracket = -1;
  let line = 1;
  for (let at = 0; at < code.length; at++) {
    const char = code[at];
    if (char === '\n') line++;
    else if (char === '(') brackets.push(at);
    else if (char === ')') lastBracket = brackets.pop() ?? -1;
    else if (char === '{') {
      const before = code.slice(Math.max(0, at - 400), at).trimEnd();
      const isFunction = before.endsWith('=>') || (before.endsWith(')') && !NO_FUNCTION.test(code.slice(Math.max(0, lastBracket - 20), lastBracket)));
      open.push({ function: isFunction, line });
    } else if (char === '}') {
      const block = open.pop();
      if (block?.function) found.push({ line: block.line, lines: line - block.line + 1 });
    }
  }
  return found;
}

/** Replaces comments, and on demand texts and regular expressions, by blanks. */
function blank(text: string, texts: boolean): string {
  let out = '';
  let at = 0;
  const templates: number[] = [];
  let depth = 0;
  const copy = (end: number, hidden: boolean): void => {
    const piece = text.slice(at, end);
    out += hidden ? piece.replace(/[^\n]/g, ' ') : piece;
    at = end;
  };
  const template = (): void => {
    const end = templateEnd(text, at);
    copy(end.at, texts);
    if (end.opens) templates.push(depth++);
  };
  while (at < text.length) {
    const char = text[at];
    const two = text.slice(at, at + 2);
    if (two === '//') copy(endOf(text, '\n', at), true);
    else if (two === '/*') copy(endOf(text, '*/', at + 2) + 2, true);
    else if (char === "'" || char === '"') copy(quoteEnd(text, at), texts);
    else if (char === '`') {
      copy(at + 1, texts);
      template();
    } else if (char === '/' && startsRegExp(out)) copy(regExpEnd(text, at), texts);
    else if (char === '{') {
      depth++;
      copy(at + 1, false);
    } else if (char === '}' && templates.at(-1) === depth - 1) {
      templates.pop();
      depth--;
      copy(at + 1, texts);
      template();
    } else {
      if (char === '}') depth--;
      copy(at + 1, false);
    }
  }
  return out;
}

/** The end of the part of a template that begins at `at`: behind its last quote, or behind a `${`. */
function templateEnd(text: string, at: number): { at: number; opens: boolean } {
  for (let end = at; end < text.length; end++) {
    if (text[end] === '\\') end++;
    else if (text[end] === '`') return { at: end + 1, opens: false };
    else if (text.startsWith('${', end)) return { at: end + 2, opens: true };
  }
  return { at: text.length, opens: false };
}

function quoteEnd(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === '\\') end++;
    else if (text[end] === text[at] || text[end] === '\n') return end + 1;
  }
  return text.length;
}

function regExpEnd(text: string, at: number): number {
  let inClass = false;
  for (let end = at + 1; end < text.length; end++) {
    const char = text[end];
    if (char === '\\') end++;
    else if (char === '\n') return end;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return end + 1;
  }
  return text.length;
}

/** A slash begins a regular expression where a value is expected. */
function startsRegExp(before: string): boolean {
  const tail = before.slice(-40).trimEnd();
  return tail === '' || /[(,=:[!&|?{};+\-*%<>~^]$/.test(tail) || /\b(?:return|typeof|case|in|of|await|void|delete|throw|else|do)$/.test(tail);
}

function endOf(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? text.length : at;
}
