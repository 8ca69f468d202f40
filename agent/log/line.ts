import { describeError } from '../../core/errors.ts';
import type { LogFacts } from '../../core/log.ts';
import { cut, escapeControls } from '../../core/printable.ts';
import type { LogFormat, LogLevel } from './settings.ts';

/** Most characters of one value; text from outside may be of any length. */
const MOST_OF_A_VALUE = 1024;
const MOST_OF_A_STACK = 8192;
const MOST_OF_A_SENTENCE = 512;
const MOST_OF_AN_EVENT = 1 << 18;

const COLOURS: Readonly<Record<LogLevel, string>> = { off: '', error: '\u001b[31m', warn: '\u001b[33m', info: '', debug: '\u001b[2m' };

/** What sd-daemon(3) puts in front of a line. */
const PRIORITIES: Readonly<Record<LogLevel, string>> = { off: '<7>', error: '<3>', warn: '<4>', info: '<6>', debug: '<7>' };

export interface LogEntry {
  readonly timeMs: number;
  readonly level: LogLevel;
  readonly component: string;
  readonly sentence: string;
  readonly facts?: LogFacts | undefined;
}

export interface LineStyle {
  readonly format: LogFormat;
  readonly colour: boolean;
  /** Puts `***` in the place of secrets. */
  mask(text: string): string;
}

/** One line of the log, its line feed included. */
export function logLine(entry: LogEntry, style: LineStyle): string {
  return style.format === 'json' ? jsonLine(entry, style) : textLine(entry, style);
}

/** A line for the logger sink, whose text is the sentence. Nothing is masked: it is data, and not ours to change. */
export function eventLine(entry: Omit<LogEntry, 'facts'>, format: LogFormat): string {
  const text = cut(entry.sentence, MOST_OF_AN_EVENT);
  if (format === 'json') {
    const { timeMs, level, component } = entry;
    return `${safeJson({ time: new Date(timeMs).toISOString(), level, component, event: text })}\n`;
  }
  const head = format === 'journal' ? PRIORITIES.info : `${localTime(entry.timeMs)} INFO  `;
  return `${head}${escapeControls(entry.component)}  ${escapeControls(text)}\n`;
}

function textLine({ timeMs, level, component, sentence, facts }: LogEntry, style: LineStyle): string {
  let line = `${escapeControls(component)}  ${escapeControls(cut(style.mask(sentence), MOST_OF_A_SENTENCE))}`;
  for (const [name, value] of Object.entries(facts ?? {})) {
    if (value !== undefined) line += ` ${name}=${quoted(cut(style.mask(plain(value)), mostOf(name)))}`;
  }
  if (style.format === 'journal') return `${PRIORITIES[level]}${style.mask(line)}\n`;
  const label = level.toUpperCase().padEnd(5);
  const colour = style.colour ? COLOURS[level] : '';
  const shown = colour ? `${colour}${label}\u001b[0m` : label;
  // Once more over the whole: quoting and a name may have joined what belongs together.
  return `${localTime(timeMs)} ${shown} ${style.mask(line)}\n`;
}

function jsonLine({ timeMs, level, component, sentence, facts }: LogEntry, style: LineStyle): string {
  const shown: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(facts ?? {})) {
    if (value === undefined) continue;
    const simple = typeof value === 'number' || typeof value === 'boolean' || value === null;
    shown[name] = simple ? value : cut(style.mask(plain(value)), mostOf(name));
  }
  const message = cut(style.mask(sentence), MOST_OF_A_SENTENCE);
  const head = { time: new Date(timeMs).toISOString(), level, component, message };
  return `${safeJson(Object.keys(shown).length > 0 ? { ...head, facts: shown } : head)}\n`;
}

/** JSON escapes only the controls below U+0020; the rest is escaped here in the same way. */
function safeJson(value: unknown): string {
  return escapeControls(JSON.stringify(value));
}

function mostOf(name: string): number {
  return name === 'stack' ? MOST_OF_A_STACK : MOST_OF_A_VALUE;
}

/** A value as text, before anything is escaped. */
function plain(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return describeError(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return String(value);
  try {
    return JSON.stringify(value) ?? '[object that is not JSON]';
  } catch {
    return '[object that is not JSON]';
  }
}

function quoted(text: string): string {
  if (/^[^\s"=\\\p{Cc}]+$/u.test(text)) return escapeControls(text);
  return `"${escapeControls(text.replaceAll('\\', '\\\\').replaceAll('"', '\\"'))}"`;
}

let lastSecond = Number.NaN;
let lastText = '';

/** `2026-11-21 14:00:00,123` in the zone of the process, as log4j prints it. */
function localTime(timeMs: number): string {
  const second = Math.floor(timeMs / 1000);
  if (second !== lastSecond) {
    const date = new Date(timeMs);
    const two = (value: number): string => String(value).padStart(2, '0');
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    lastText = `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    lastSecond = second;
  }
  return `${lastText},${String(timeMs - second * 1000).padStart(3, '0')}`;
}
