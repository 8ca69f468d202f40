/** Patterns, texts and replacements for comparing our regular expressions with Java's: written by hand, and generated from a seed. */
export interface RegexCase {
  readonly pattern: string;
  readonly text: string;
  readonly replacement: string;
}

const texts = ['', 'a', 'ab', 'aab', 'b', 'foo', 'foo\n', 'foo\r', 'foo\r\n', 'foo\u0085', 'foo\n\n', 'foox', 'a\nb\r\nc\n', 'É', 'é', 'ſ K', 'a_1 b-2', '\u00a0 \u000b\t', 'a😀b', '😀😀', ']a[', 'Ünï cödé', '2012-10-17 14:34:00,000', '<34>Oct 11 22:14:15 host su: x', 'aXbxB', 'e\u0301a'];

const patterns = [
  'foo$', 'foo\\Z', 'foo\\z', '^foo$', '(foo)$', '(foo$)', 'foo$|bar', '$', '^', '^$', '\\A', '(?m)^', '(?m)$', '(?m)^.*$', '(?d)foo$', '(?d).', '(?md)$', '(?s).+', '.+', '.', '(?s).',
  '(?i)é', '(?iu)é', '(?i)FOO', '(?i:F)oo', '(?i)f(?-i)O', 'a(?i)B', '(?i)[^a]', '(?iu)k', '(?iu)s', '(?i)[A-z]', '(?iu)[à-ü]', '(?i)[\\u00c0-\\u00ff]',
  '\\s', '\\S+', '\\w+', '\\W', '\\d+', '\\D', '\\h', '\\H', '\\v', '\\V', '\\R', '\\R+', '\\R{2}', '\\X', '\\X{2}', '\\b', '\\B', '\\b\\w+\\b', '\\ba', '(?U)\\w+', '(?U)\\b', '(?U)\\s', '\\b{g}', '\\G.', '\\Ga',
  '(a)?b\\1', '(a)\\1', '(?i)(a)\\1', '(a*)*', '(a*)+', '(a?)*', '(?:a|b)*', '(?:(a)|b)*', '((a)|b)*', '((a)b?)*', '(a|ab)(c|bcd)?', '(a+)+b', '(?:a?)*?b', '(a?)?', '(?:|a)*', '(|a)+', '(a|)+', '(?:a|ab){2}', '(a?){3}', '(a?){2,3}?',
  'a++', 'a++b', 'a*+a', 'a?+a', '(?>a+)b', '(?>a|ab)b', '(a|ab)++', '(?:a|ab){2}+', 'a{2}{3}', '{2}', 'a{1,2}+', 'a{0}', '(a){0}b', 'x{,3}', '{', 'a{', 'a{1', 'a{2,1}', 'a**', '?', '*', '+a', 'a|*', '(', ')', 'a)', '[', '[]', '[^]', '[]a]', '[^]a]', '[a', '[a-', '[a-]', '[-a]', '[z-a]',
  '[a[bc]]', '[a-z&&[^b]]', '[a-z&&[ab]]', '[a-z&&ab]', '[ab&&]', '[&&a]', '[&&]', '[&]', '[a&b]', '[a&&&b]', '[ab&&[bc]d]', '[ab&&[bc]&d]', '[a-f&&d-z&&e]', '[^a-f&&[b]]', '[[a]b]', '[[^a]b]', '[^[a]b]', '[^^]', '[a^]', '[a-\\d]', '[\\d-a]', '[\\w-]', '[\\v-a]', '[\\v]', '[\\v\\h]', '[a-[b]]', '[a-a-b]', '[\\]]', '[\\Qa]\\E]', '[\\p{L}&&[^a]]', '[a&&\\p{L}]',
  '\\p{Alpha}', '\\p{L}', '\\pL', '\\PL', '\\p{Lower}', '(?i)\\p{Lower}', '(?i)\\p{Lu}', '\\p{IsLatin}', '\\p{IsAlphabetic}', '\\p{InGreek}', '\\p{InBasicLatin}', '\\p{InBASIC_LATIN}', '\\p{javaLowerCase}', '\\p{javaWhitespace}', '\\p{Punct}', '\\p{Blah}', '\\p{', '\\p{}', '\\p', '\\p{script=Latin}', '\\p{gc=Lu}', '\\p{IsL}', '\\p{Is}', '\\p{L1}', '\\p{LD}', '\\p{ASCII}', '\\p{Graph}', '\\p{Cntrl}', '(?U)\\p{Alpha}', '\\p{IsPunctuation}', '\\p{IsWhite_Space}', '\\p{all}', '\\p{C}',
  '\\Qa.b\\E', '\\Q', '\\E', '\\Qa', 'a\\Q*\\E', '\\Q\\E*', 'x\\Q5\\E', '\\Q^\\E', '(?x)a b # c', '(?x) a\\ b', '(?x)[a b]', '(?x)a #c\n b', '(?x)a + +', '(?x)\\Qa b\\E', '(?x: a ) b',
  '\\0101', '\\0', '\\08', '\\07', '\\0377', '\\0400', '\\x41', '\\x{41}', '\\x{1F600}', '\\x{110000}', '\\x4', '\\x{}', '\\u0041', '\\u004', '\\ud83d\\ude00', '\\cA', '\\c', '\\e', '\\a', '\\y', '\\_', '\\-', '\\"', '\\é', '\\', '\\8', '(a)\\2', '(a)\\11', '\\k<n>', '(?<n>a)\\k<n>', '(?<n>a)(?<n>b)', '(?<a_1>a)', '(?<1a>a)', '(?<n', '(?P<n>a)',
  '(?=a)', '(?!a)', '(?<=a)b', '(?<!a)b', '(?<=a+)b', '(?<=a{1,3})b', '(?<=(?:a|b){1,2})b', '(?<=a|aa)b', '(?<=(a))b', '(?<=a?)b', '(?<=\\R)b', '(?<=^a)', '(?=(a))b|a', '(?:(?=(a))b|a)', '(?!(a)b)a', '(?=a)*', '(?=a)+a', '(?<=.)', '(?<=\\ud83d\\ude00)',
  '}', ']', 'a}', 'a]', '|', 'a|', '|a', 'a||b', '()', '(|a)', '(?:)', '(?i)', '(?', '(?i', '(?z)', '(?i-s:a)', '(?-)', '(?c)a', '(?$a)', '[😀]', '[^😀]', '[😀a]+', '😀+', '😀?', '[\\x{10000}-\\x{10ffff}]', '[^a]', '[^a]+', '[^\\x{1F600}a]', '.{2}', '.*', '.*b', '.*?b', '(.*)(.*)', '(.)(.)', '[0-9]{20}', '[0-9a-z]{1,30}', '(?:ab?){17}', 'a{20,}', '(?:ab*)*bc', '(?:(.)b)*a', '((a)b)*a', '(a(b)?)+', '(?:a(b)?)+', '(?:(a)?b)+', '()*', '()+', '(\\b)*', '(\\b)+a', '(^a)*', '(?:^)*a', '(\\R)*', '(?>(a))*b', '(?:(?>a|ab))*', 'a{2147483648}',
  '(\\d{4})-(\\d{2})-(\\d{2})', '^<[0-9]+>', '(?<y>\\d+)-(?<m>\\d+)', '(INFO.*)|(WARNING.*)', '[a-zA-Z0-9._-]+@[a-z]+\\.com', '^(\\w+\\s?)*$', '\\s*,\\s*', '?&?&&&?&?&?&&&??', '[\\s\\S]*', '[^\\n]*', '\\N{WHITE SMILING FACE}x',
];

const replacements = ['', '-', '$0', '[$1]', '<$1$2>', '$10', '\\$', 'a\\\\b', '$', '$9', '${n}', '${x}', '\\', '$a', '${', '${1}', '$1x'];

export function* writtenCases(): Generator<RegexCase> {
  let count = 0;
  for (const pattern of patterns) for (const text of texts) yield { pattern, text, replacement: replacements[count++ % replacements.length] ?? '' };
}

/** Endless cases from a seed: trees over Java's grammar, and now and then a pattern with a character lost or added. */
export function* generatedCases(seed: number): Generator<RegexCase> {
  const random = randomFrom(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const leaves = ['a', 'a', 'b', 'b', 'c', 'A', 'x', ' ', '.', '.', '\\d', '\\w', '\\s', '\\S', '\\W', '\\h', '\\v', '\\R', '\\b', '\\B', '^', '$', '\\Z', '\\z', '\\A', '\\G', '[ab]', '[^a]', '[a-c]', '[^a-b\\n]', '[\\w&&[^b]]', '[a-c[x]]', '\\p{L}', '\\p{Lower}', '\\P{Alpha}', '\\Q.a\\E', '\\x61', '\\n', 'é', '😀', '[😀b]', '\\1', '\\2', '\\X', '\\.'];
  const quantifiers = ['*', '+', '?', '{2}', '{1,2}', '{0,3}', '{2,}'];
  const tree = (depth: number): string => {
    const roll = random();
    if (depth === 0 || roll < 0.3) return pick(leaves);
    if (roll < 0.55) return tree(depth - 1) + tree(depth - 1);
    if (roll < 0.65) return `(?:${tree(depth - 1)}|${tree(depth - 1)})`;
    if (roll < 0.72) return `(${tree(depth - 1)}|${random() < 0.2 ? '' : tree(depth - 1)})`;
    if (roll < 0.82) return `(${tree(depth - 1)})`;
    if (roll < 0.93) {
      const body = tree(depth - 1);
      return `${body.length === 1 || random() < 0.2 ? body : `(${random() < 0.5 ? '' : '?:'}${body})`}${pick(quantifiers)}${pick(['', '', '', '?', '+'])}`;
    }
    return `(${pick(['?=', '?!', '?<=', '?<!', '?>', '?i:', '?s:', '?m:', '?iu:', '?x:', '?U:', '?d:'])}${tree(depth - 1)})`;
  };
  const units = ['a', 'a', 'a', 'b', 'b', 'c', 'A', 'B', 'x', ' ', '.', '1', '\n', '\r', '\r\n', '\u0085', 'é', 'É', '😀', '\t', '_', '\u00a0'];
  for (;;) {
    let pattern = pick(['', '', '', '', '(?i)', '(?m)', '(?s)', '(?x)', '^']) + tree(4);
    if (random() < 0.08) {
      const at = Math.floor(random() * pattern.length);
      pattern = pattern.slice(0, at) + pick(['', '(', ')', '[', ']', '{', '}', '*', '\\', '?', '|', '&&', '-']) + pattern.slice(at + pick([0, 1]));
    }
    const text = Array.from({ length: Math.floor(random() * 9) }, () => pick(units)).join('');
    yield { pattern, text, replacement: pick(replacements) };
  }
}

/** Numbers in [0, 1) that depend on the seed only. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
