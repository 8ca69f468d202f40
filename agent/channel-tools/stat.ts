import type { StoreFacts } from '../../channels/leveldb/store-facts.ts';
import { escapeControls, inThousands } from '../../core/printable.ts';
import { bar, duration, rows, size } from './words.ts';

const BAR = 20;
/** Files shown at the begin and the end where there are many, and ranges. */
const FIRST = 10;
const LAST = 5;

/** What is known of a store, for people, with a picture of how much of each file still waits. */
export function statText(facts: StoreFacts, more: readonly (readonly [string, string | undefined])[] = []): string {
  const { head, tail, left, leftBytes, oldestMs, segments, spares, missing, strange, remarks, fileBytes } = facts;
  const lost = missing.reduce((sum, { from, to }) => sum + to - from, 0);
  const ranges = missing.slice(0, LAST).map(({ from, to }) => `${from} to ${to - 1}`).join(', ');
  const lines = rows([
    ['events left', inThousands(left)],
    ['their numbers', left === 0 ? undefined : `${inThousands(head)} to ${inThousands(tail - 1)}`],
    ['next number', inThousands(tail)],
    ['bodies', size(leftBytes)],
    ['oldest event', oldestMs === undefined ? undefined : `${duration(Date.now() - oldestMs)} ago, ${new Date(oldestMs).toISOString()}`],
    ['on disk', `${size(fileBytes)} in ${segments.length} ${segments.length === 1 ? 'file' : 'files'}, and ${spares} spare`],
    ['missing', lost === 0 ? undefined : `${inThousands(lost)} events: ${ranges}${missing.length > LAST ? ` and ${missing.length - LAST} ranges more` : ''}`],
    ...more,
    ...strange.map((name) => ['odd file', escapeControls(name)] as const),
    ...remarks.map((remark) => ['remark', escapeControls(remark)] as const),
  ]);
  return `${lines}${picture(segments)}`;
}

function picture(segments: StoreFacts['segments']): string {
  if (segments.length === 0) return '';
  const shown = segments.length > FIRST + LAST ? [...segments.slice(0, FIRST), undefined, ...segments.slice(-LAST)] : segments;
  const lines = shown.map((segment) => {
    if (!segment) return `  … ${segments.length - FIRST - LAST} more, all of them with --json\n`;
    const { path, bytes, first, end, left } = segment;
    const events = end - first;
    const done = events === 0 ? 1 : 1 - left / events;
    return `  ${path.slice(path.lastIndexOf('/') + 1)}  ${size(bytes).padStart(7)}  [${bar(done, BAR)}]  ${inThousands(left)} of ${inThousands(events)} left, from ${inThousands(first)} on\n`;
  });
  return `\n${lines.join('')}  # is done with, - is left\n`;
}
