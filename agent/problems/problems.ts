import { escapeControls } from '../../core/printable.ts';
import type { ConfigText } from '../configuration/text.ts';
import type { Place, Problem, Severity } from '../plan/types.ts';
import { CATALOGUE, type ProblemCode } from './catalogue.ts';
import { hideSecrets } from '../configuration/secrets.ts';

/** Makes a problem; its severity is the catalogue's unless given. */
export function problem(code: ProblemCode, rest: Omit<Problem, 'code' | 'severity'> & { readonly severity?: Severity }): Problem {
  return { code, severity: CATALOGUE[code].severity, ...rest };
}

/** Warnings become errors where `strict`. */
export function applyStrictness(problems: readonly Problem[], strict: boolean): readonly Problem[] {
  return strict ? problems.map((each) => ({ ...each, severity: 'error' as const })) : problems;
}

/** By file (as they were read), line and column; what concerns no line comes first. */
export function sortProblems(problems: readonly Problem[], files: readonly string[]): readonly Problem[] {
  const rank = ({ place }: Problem): number => (place ? files.indexOf(place.file) : -1);
  return [...problems].sort(
    (a, b) =>
      rank(a) - rank(b) || (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0),
  );
}

/** What `check` returns: 0 without problems, 1 with warnings only, 78 (EX_CONFIG) with errors. */
export function exitCodeFor(problems: readonly Problem[]): 0 | 1 | 78 {
  if (problems.some(({ severity }) => severity === 'error')) return 78;
  return problems.length > 0 ? 1 : 0;
}

/** The same faults as text: a line for each, the line of the file, and a caret. Ends in a line feed where it is not empty. */
export function renderProblems(problems: readonly Problem[], texts: Iterable<ConfigText>, colour: boolean): string {
  const byName = new Map([...texts].map((text) => [text.name, text]));
  return problems.map((each) => renderProblem(each, byName, colour ? COLOURS : NO_COLOURS)).join('');
}

type Paint = Readonly<Record<'error' | 'warning' | 'place' | 'caret' | 'end', string>>;

const COLOURS: Paint = { error: '\u001b[1;31m', warning: '\u001b[1;33m', place: '\u001b[1m', caret: '\u001b[1;32m', end: '\u001b[0m' };
const NO_COLOURS: Paint = { error: '', warning: '', place: '', caret: '', end: '' };

function renderProblem({ code, severity, place, sentence, hint, other, hideLine }: Problem, texts: ReadonlyMap<string, ConfigText>, paint: Paint): string {
  const where = place ? `${paint.place}${escapeControls(position(place))}${paint.end}  ` : '';
  let out = `${where}${paint[severity]}${severity}${paint.end}  ${code}  ${escapeControls(sentence)}\n`;
  const line = place && texts.get(place.file)?.lines[place.line - 1];
  if (place && line !== undefined) out += shownLine(place, line, hideLine ?? false, hint, paint);
  else if (hint) out += `     ${escapeControls(hint)}\n`;
  const otherLine = other && texts.get(other.file)?.lines[other.line - 1];
  if (other && otherLine !== undefined) {
    const from = other.file === place?.file ? '' : `     ${escapeControls(position(other))}\n`;
    out += from + shownLine(other, otherLine, hideLine ?? false, undefined, paint);
  }
  return out;
}

function position({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** Most units of a line shown; around the caret. */
const WINDOW = 120;

function shownLine(place: Place, line: string, hidden: boolean, hint: string | undefined, paint: Paint): string {
  const number = String(place.line).padStart(4);
  const blank = ' '.repeat(number.length);
  const hintText = hint ? ` ${escapeControls(hint)}` : '';
  const shown = hidden ? undefined : cutAround(line, place);
  if (shown === undefined || hideSecrets(line) !== line) {
    // A caret under a changed line would point anywhere, so the line stands without one.
    const text = hidden ? line.replace(/([=:]|(?<=\S)[ \t])[ \t]*\S.*$/, '$1 ***') : hideSecrets(line);
    return ` ${number} | ${escapeControls(text)}\n${hintText ? ` ${blank} |${hintText}\n` : ''}`;
  }
  const before = escapeControls(shown.before);
  const marked = escapeControls(shown.marked);
  const caret = `${paint.caret}${'^'.repeat(Math.max(1, marked.length))}${paint.end}`;
  return ` ${number} | ${before}${marked}${escapeControls(shown.after)}\n ${blank} | ${' '.repeat(before.length)}${caret}${hintText}\n`;
}

function cutAround(line: string, { column, length }: Place): { before: string; marked: string; after: string } {
  const begin = Math.min(column - 1, line.length);
  const end = Math.min(begin + Math.min(length, WINDOW), line.length);
  const from = begin > WINDOW / 2 && line.length > WINDOW ? begin - WINDOW / 2 : 0;
  const to = Math.max(end, from + WINDOW);
  return {
    before: `${from > 0 ? '…' : ''}${line.slice(from, begin)}`,
    marked: line.slice(begin, end),
    after: `${line.slice(end, to)}${to < line.length ? '…' : ''}`,
  };
}
