import { join } from 'node:path';
import { homeDirectory } from '../configuration/system-properties.ts';

/** Where dead letters are kept, and how much of them. */
export interface DeadLetterSettings {
  /** Absent: nothing is kept. */
  readonly folder?: string;
  /** Most bytes of all files together; the oldest go first. */
  readonly mostBytes: number;
  readonly mostAgeMs: number;
}

const DAY_MS = 86_400_000;
const DEFAULTS = { mostBytes: 256 * 1024 * 1024, mostDays: 30 };
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

export interface DeadLetterChoice {
  readonly settings: DeadLetterSettings;
  /** What is wrong with a property; its default is used. */
  readonly problems: readonly string[];
}

/** The folder of dead letters of every agent of this user, one folder for each in it. */
export function commonFolder(): string {
  return join(homeDirectory(), '.millrace', 'dead-letters');
}

/** Reads `millrace.dead.letters` (a folder, or `off`), `millrace.dead.letters.maxBytes` (such as `256m`) and `….maxDays`. */
export function readDeadLetterSettings(agent: string, properties: ReadonlyMap<string, string>): DeadLetterChoice {
  const problems: string[] = [];
  const read = (name: string, shape: RegExp, what: string, value: (found: RegExpExecArray) => number, fallback: number): number => {
    const text = properties.get(name);
    if (text === undefined || text === '') return fallback;
    const found = shape.exec(text);
    const number = found ? value(found) : 0;
    if (number > 0) return number;
    problems.push(`${name}=${text} is ${what}; ${fallback} is used`);
    return fallback;
  };
  const size = /^([0-9]{1,15})([kmg]?)b?$/i;
  const bytes = ([, digits, unit = '']: RegExpExecArray): number => Number(digits) * (UNITS[unit.toLowerCase()] ?? 0);
  const mostBytes = read('millrace.dead.letters.maxBytes', size, 'no size such as 256m', bytes, DEFAULTS.mostBytes);
  const mostDays = read('millrace.dead.letters.maxDays', /^[0-9]{1,6}(\.[0-9]+)?$/, 'no number of days', ([text]) => Number(text), DEFAULTS.mostDays);
  const given = properties.get('millrace.dead.letters');
  const limits = { mostBytes, mostAgeMs: mostDays * DAY_MS };
  if (given === 'off') return { settings: limits, problems };
  return { settings: { folder: given || join(commonFolder(), agent.replace(/[^\w.-]/g, '_')), ...limits }, problems };
}
