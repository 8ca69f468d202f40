import { javaWhitespaceSplit } from '../../core/java-values.ts';
import { wordPlace, WORDS, type AgentKeys, type ListName, type Setting } from './keys.ts';
import type { Report } from './report.ts';

/**
 * The agent as it was meant, if its lists separate names by commas: everything behind the comma would otherwise count as not listed, and
 * its faults would come to light only once the comma is gone. `undefined` if there is no such list.
 */
export function withoutCommas(agent: AgentKeys): AgentKeys | undefined {
  const lists = new Map(agent.lists);
  for (const [list, setting] of agent.lists) {
    const words = javaWhitespaceSplit(setting.value);
    if (commaWords(agent, list, words).length === 0) continue;
    lists.set(list, { ...setting, value: words.flatMap((word) => (isMeant(agent, list, word) ? parts(word) : [word])).join(' ') });
  }
  return [...lists].some(([list, setting]) => setting !== agent.lists.get(list)) ? { ...agent, lists } : undefined;
}

/** Reports each word with a comma of the lists as they stand in the file. */
export function reportCommas(report: Report, agent: AgentKeys): void {
  for (const [list, setting] of agent.lists) {
    for (const word of commaWords(agent, list, javaWhitespaceSplit(setting.value))) comma(report, list, setting, word);
  }
}

function comma(report: Report, list: ListName, setting: Setting, word: string): void {
  report.setting('M025', setting, wordPlace(setting, word), `the comma is part of the name "${word}", and there is no such ${WORDS[list]}`, {
    hint: `names are separated by blanks: ${parts(word).join(' ')}`,
  });
}

function commaWords(agent: AgentKeys, list: ListName, words: readonly string[]): readonly string[] {
  return words.filter((word) => isMeant(agent, list, word));
}

/** A name that really has a comma is left alone, as Flume takes it. */
function isMeant(agent: AgentKeys, list: ListName, word: string): boolean {
  const components = agent.components[list];
  return word.includes(',') && !components.has(word) && (parts(word).length === 0 || parts(word).some((part) => components.has(part)));
}

function parts(word: string): readonly string[] {
  return word.split(',').filter((part) => part !== '');
}
