/** Damage done to somebody's configuration file, as slips of the hand do it. */

import type { Random } from './random.ts';

/** One to three damages; their names are in `done`. Bytes are kept as they were where nothing was damaged. */
export function damage(original: Buffer, random: Random): { bytes: Buffer; done: string[] } {
  let lines = original.toString('latin1').split('\n');
  const done: string[] = [];
  for (let n = random.pick([1, 1, 1, 2, 3]); n > 0; n--) {
    const name = random.pick(Object.keys(damages));
    const settings = lines.flatMap((line, index) => (/^[^#!]*[^\s#!]/.test(line) ? [index] : []));
    if (settings.length > 0) {
      lines = damages[name]?.(lines, random.pick(settings), random) ?? lines;
      done.push(name);
    }
  }
  return { bytes: Buffer.from(lines.join('\n'), 'latin1'), done };
}

type Damage = (lines: string[], at: number, random: Random) => string[];

const damages: Readonly<Record<string, Damage>> = {
  drop: (lines, at) => lines.toSpliced(at, 1),
  'drop-block': (lines, at, random) => lines.toSpliced(at, 1 + random.below(5)),
  swap: (lines, at, random) => {
    const other = random.below(lines.length);
    return lines.with(at, lines[other] ?? '').with(other, lines[at] ?? '');
  },
  'typo-key': (lines, at, random) => edit(lines, at, (key, middle, value) => random.typo(key) + middle + value),
  'typo-name': (lines, at, random) => edit(lines, at, (key, middle, value) => {
    const parts = key.split('.');
    const part = random.below(parts.length);
    return parts.with(part, random.typo(parts[part] ?? '')).join('.') + middle + value;
  }),
  'typo-value': (lines, at, random) => edit(lines, at, (key, middle, value) => key + middle + random.typo(value)),
  'empty-value': (lines, at) => edit(lines, at, (key, middle) => key + middle),
  'number': (lines, at, random) => {
    const numeric = lines.flatMap((line, index) => (/[=:]\s*\d+\s*$/.test(line) ? [index] : []));
    const where = numeric.length === 0 ? at : random.pick(numeric);
    return edit(lines, where, (key, middle, value) => key + middle + random.pick([`${value}0`, `-${value}`, '0', `${value}s`, `${value},000`, '1e6', `${value}000000000`, '99', '101']));
  },
  cut: (lines, at, random) => [...lines.slice(0, at), (lines[at] ?? '').slice(0, random.below((lines[at] ?? '').length + 1))],
  duplicate: (lines, at) => lines.toSpliced(at, 0, lines[at] ?? ''),
  'duplicate-changed': (lines, at, random) => [...lines, ...edit([lines[at] ?? ''], 0, (key, middle, value) => key + middle + random.typo(value))],
  'comment-out': (lines, at) => lines.with(at, `#${lines[at]}`),
  'comment-after': (lines, at, random) => lines.with(at, `${(lines[at] ?? '').trimEnd()}${random.pick([' # note', '  // note', ' ## note', '# note'])}`),
  join: (lines, at) => lines.toSpliced(at, 2, `${(lines[at] ?? '').trimEnd()}${lines[at + 1] ?? ''}`),
  backslash: (lines, at) => lines.with(at, `${(lines[at] ?? '').trimEnd()}\\`),
  separator: (lines, at, random) => lines.with(at, (lines[at] ?? '').replace(/\s*[=:]\s*/, random.pick([':', ' ', '==', '\t', ' = = ', '']))),
  commas: (lines, at) => {
    const list = lines.findIndex((line) => /\.(sources|sinks|channels)\s*=.*\S\s+\S/.test(line));
    return edit(lines, list === -1 ? at : list, (key, middle, value) => key + middle + value.trim().replace(/\s+/g, ', '));
  },
  'upper-key': (lines, at) => edit(lines, at, (key, middle, value) => key.toUpperCase() + middle + value),
  'upper-value': (lines, at) => edit(lines, at, (key, middle, value) => key + middle + value.toUpperCase()),
  'lower-value': (lines, at) => edit(lines, at, (key, middle, value) => key + middle + value.toLowerCase()),
  crlf: (lines) => lines.map((line) => `${line}\r`),
  reverse: (lines) => lines.toReversed(),
  'other-agent': (lines, at, random) => edit(lines, at, (key, middle, value) => key.replace(/^[^.]*/, random.pick(['a2', 'agent', 'A1', ''])) + middle + value),
  singular: (lines, at) => lines.with(at, (lines[at] ?? '').replace(/\.(source|sink|channel|interceptor)s\b/, '.$1')),
  plural: (lines, at, random) => {
    const channel = lines.flatMap((line, index) => (/\.channels?\s*=/.test(line) ? [index] : []));
    const where = channel.length === 0 ? at : random.pick(channel);
    return lines.with(where, (lines[where] ?? '').replace(/\.channel(s?)(\s*=)/, (_, s: string, rest: string) => `.channel${s === 's' ? '' : 's'}${rest}`));
  },
  'wrong-kind': (lines, _at, random) => {
    const types = lines.flatMap((line, index) => (/\.type\s*=/.test(line) ? [index] : []));
    const values = types.map((index) => (lines[index] ?? '').replace(/^[^=]*=\s*/, ''));
    return types.length === 0 ? lines : edit(lines, random.pick(types), (key, middle) => key + middle + random.pick(values));
  },
};

/** Changes one line by its key, what stands between, and its value; lines without a separator are all key. */
function edit(lines: string[], at: number, change: (key: string, middle: string, value: string) => string): string[] {
  const line = lines[at] ?? '';
  const match = /^(\s*[^\s=:]+)(\s*[=:]?\s*)(.*?)(\r?)$/.exec(line);
  return match === null ? lines : lines.with(at, change(match[1] ?? '', match[2] ?? '', match[3] ?? '') + (match[4] ?? ''));
}
