import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileJavaRegex, PatternSyntaxError, RegexTimeoutError, ReplacementError } from '../../core/java-regex.ts';
import type { RegexCase } from './java-regex-cases.ts';

export const javaIsMissing = spawnSync('javac', ['-version']).status === 0 ? false : 'needs a JDK 17 (javac and java): apt-get install openjdk-17-jdk-headless';

/** What Java makes of the cases, in their order. */
export function askJava(cases: readonly RegexCase[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'regex-oracle-'));
  try {
    execFileSync('javac', ['-d', folder, join(import.meta.dirname, 'java', 'RegexOracle.java')], { stdio: ['ignore', 'ignore', 'inherit'] });
    const input = cases.map((one) => [one.pattern, one.text, one.replacement].map(encode).join('\t')).join('\n');
    const options = { input: `${input}\n`, encoding: 'latin1', maxBuffer: 1 << 30 } as const;
    return execFileSync('java', ['-Xmx256m', '-Xss4m', '-XX:+UseSerialGC', '-cp', folder, 'RegexOracle'], options).trimEnd().split('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What we make of the case, in the words of the oracle, groups as texts instead of positions (see `asTexts`). */
export function askOurs({ pattern, text, replacement }: RegexCase): string {
  try {
    const regex = compileJavaRegex(pattern);
    let all = '';
    for (const match of regex.findAll(text)) {
      all += `${match.start},${match.end}`;
      for (let group = 1; group <= match.groupCount; group++) all += `,${quote(match.group(group))}`;
      all += ' ';
    }
    let replaced: string;
    try {
      replaced = encode(regex.replaceAll(text, replacement));
    } catch (error) {
      if (!(error instanceof ReplacementError)) throw error;
      replaced = '!';
    }
    return `${regex.matches(text) ? 1 : 0}|${all}|${replaced}`;
  } catch (error) {
    if (error instanceof PatternSyntaxError) return 'refused';
    if (error instanceof RegexTimeoutError) return 'given up';
    throw error;
  }
}

/** The oracle's answer with the positions of groups replaced by their texts. */
export function asTexts(answer: string, text: string): string {
  const [whole, all, replaced] = answer.split('|');
  if (all === undefined) return answer;
  const matches = all.replace(/(\S+) /g, (_, numbers: string) => {
    const bounds = numbers.split(',').map(Number);
    let match = `${bounds[0]},${bounds[1]}`;
    for (let i = 2; i < bounds.length; i += 2) match += `,${quote(bounds[i] === -1 ? undefined : text.slice(bounds[i], bounds[i + 1]))}`;
    return `${match} `;
  });
  return `${whole}|${matches}|${replaced}`;
}

function quote(text: string | undefined): string {
  return text === undefined ? '-' : `"${encode(text)}"`;
}

function encode(text: string): string {
  let hexadecimal = '';
  for (let at = 0; at < text.length; at++) hexadecimal += text.charCodeAt(at).toString(16).padStart(4, '0');
  return hexadecimal;
}
