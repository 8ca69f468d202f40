import { join } from 'node:path';
import { readConfigFileIfThere, writePrivateFile } from '../../io/config-files.ts';
import type { Effective } from './effective.ts';

/**
 * `--backup-directory`: the merged configuration of an agent, for the day on which its sources are there but empty (part 1 §1.11). Unlike
 * Flume's it keeps `${…}` as they were written, so that no secret of the environment ends up in it, and only the owner may read it.
 */
export async function writeBackup(directory: string, agent: string, effective: Effective): Promise<void> {
  const lines = [...effective.properties.values()].map(({ key, origin }) => `${escapeKey(key)}=${escapeValue(origin.value)}\n`);
  await writePrivateFile(backupPath(directory, agent), lines.join(''));
}

/** The bytes of the backup, or undefined if there is none. */
export function readBackup(directory: string, agent: string): Promise<Buffer | undefined> {
  return readConfigFileIfThere(backupPath(directory, agent));
}

/** `.<agent>.properties`, as Flume names it. */
export function backupPath(directory: string, agent: string): string {
  return join(directory, `.${agent}.properties`);
}

function escapeKey(text: string): string {
  return escapeText(text).replace(/[ =:#!]/g, '\\$&');
}

function escapeValue(text: string): string {
  return escapeText(text).replace(/^ /, '\\ ');
}

/** Nothing but ASCII comes out: the file means the same in Flume. */
function escapeText(text: string): string {
  const short: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f' };
  return text.replace(/[\\\n\r\t\f]|[^ -~]/g, (char) => short[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
