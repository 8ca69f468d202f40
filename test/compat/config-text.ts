/** Writes a draft down as a properties file in one of the many ways that mean the same, or nearly. */

import type { Draft } from './config-cases.ts';
import type { Random } from './random.ts';

/** Half of the drafts come out plain, so that a fault of theirs is not hidden by a fault of reading. Ways used are added to `names`. */
export function render(draft: Draft, random: Random, names: string[]): Buffer {
  const way = random.chance(0.5) ? 'as-is' : random.pick(Object.keys(ways));
  if (way !== 'as-is') {
    names.push(way);
  }
  const chosen = ways[way] ?? plain;
  return chosen(draft.lines.map(({ key, value }) => ({ key: escapeKey(key), value })), random);
}

/** Writes a draft down plainly. */
export function write(draft: Draft): Buffer {
  return text(draft.lines.map(({ key, value }) => `${key} = ${value}`));
}

type Lines = readonly { readonly key: string; readonly value: string }[];
type Way = (lines: Lines, random: Random) => Buffer;

const plain: Way = (lines) => text(lines.map(({ key, value }) => `${key} = ${value}`));

const ways: Readonly<Record<string, Way>> = {
  separators: (lines, random) => text(lines.map(({ key, value }) => `${key}${random.pick(['=', ' = ', ':', ' : ', ' ', '\t', '  =', '=   ', ' \t=\f', '==', ': =', ' = = '])}${value}`)),
  crlf: (lines) => text(lines.map(({ key, value }) => `${key} = ${value}`), '\r\n'),
  cr: (lines) => text(lines.map(({ key, value }) => `${key} = ${value}`), '\r'),
  blanks: (lines, random) => text(lines.flatMap(({ key, value }) => [random.pick(['', '   ', '\t', '\f']), `${random.pick(['', '  ', '\t', '\f'])}${key} = ${value}${random.pick(['', ' ', '\t', '  \t', '\f', '\u00a0', '\u0001'])}`])),
  comments: (lines, random) => text(lines.flatMap(({ key, value }) => [random.pick(['# c', '! c', '  # c \\', '#', '', '#a1.sinks = x', '; c', '// c']), `${key} = ${value}${random.pick(['', '', '', '', ' # c', ' ! c', '# c', ' // c'])}`])),
  continued: (lines, random) => text(lines.map(({ key, value }) => continued(`${key} = ${value}`, random))),
  escaped: (lines, random) => text(lines.map(({ key, value }) => `${escaped(key, random)} = ${escaped(value, random)}`)),
  odd: (lines, random) => text(lines.map(({ key, value }) => (random.chance(0.1) ? random.pick([`${key} = ${value}\\`, `${key} = \\u12`, `\\${key} = ${value}`, `${key} \\= ${value}`, `${key}\\u003d ${value}`, key, `= ${value}`, `${key} = "${value}"`, `${key} = ${value},`]) : `${key} = ${value}`))),
  bom: (lines) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), plain(lines, undefined as never)]),
  'bom-comment': (lines) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('# first\n'), plain(lines, undefined as never)]),
  latin1: (lines) => Buffer.from(`# gr\u00fc\u00dfe\n${lines.map(({ key, value }) => `${key} = ${value}`).join('\n')}\nnote.x = gr\u00fcn\n`, 'latin1'),
  utf8: (lines) => text(['# \u914d\u7f6e', ...lines.map(({ key, value }) => `${key} = ${value}`), 'note.x = \u914d\u7f6e', '\u6ce8\u91ca']),
  'utf8-value': (lines, random) => {
    const at = random.below(lines.length);
    return text(lines.map(({ key, value }, index) => (index === at ? `${key} = ${value}${random.pick(['\u3000', '\u00a0', '\u00e9', '\u2028', '\u8bf4\u660e', '\ufeff', '\u0085'])}` : `${key} = ${value}`)));
  },
  'no-newline': (lines) => plain(lines, undefined as never).subarray(0, -1),
  cut: (lines, random) => {
    const whole = plain(lines, random);
    return whole.subarray(0, random.below(whole.length));
  },
  twice: (lines, random) => {
    const again = random.pick(lines);
    return text([...lines.map(({ key, value }) => `${key} = ${value}`), `${again.key} = ${random.pick([again.value, '', random.typo(again.value), `${again.value} x`])}`]);
  },
  prose: (lines, random) => text(lines.flatMap(({ key, value }) => [`${key} = ${value}`, ...(random.chance(0.15) ? [random.pick(['see the guide.', 'http://flume.apache.org/x.y', '$ flume-ng agent -n a1', '<property>', '```', '[section]', 'a1 . sources = r1', 'export X=1', '...', '---', 'foo.bar.baz: qux'])] : [])])),
};

function text(lines: readonly string[], end = '\n'): Buffer {
  return Buffer.from(lines.map((line) => line + end).join(''), 'utf8');
}

/** Blanks in a key have to be escaped, or the key ends there; half of the odd keys are meant to. */
function escapeKey(key: string): string {
  return key.length % 2 === 0 ? key.replace(/[ \t]/g, '\\$&') : key;
}

function continued(line: string, random: Random): string {
  const at = 1 + random.below(Math.max(1, line.length - 1));
  const joint = random.pick(['\\\n', '\\\n    ', '\\\n\t', '\\\r\n  ', '\\\n# ', '\\\\\n', '\\ \n', '\\\n\n']);
  return random.chance(0.3) && line.charAt(at - 1) !== '\\' ? line.slice(0, at) + joint + line.slice(at) : line;
}

function escaped(part: string, random: Random): string {
  const at = random.below(Math.max(1, part.length));
  const char = part.charAt(at);
  if (char === '' || char === '\\' || part.charAt(at - 1) === '\\' || random.chance(0.6)) {
    return part;
  }
  const code = char.charCodeAt(0).toString(16).padStart(4, '0');
  return part.slice(0, at) + random.pick([`\\u${code}`, `\\u${code.toUpperCase()}`, /[a-z]/.test(char) ? char : `\\${char}`, `\\${char}`]) + part.slice(at + 1);
}
