/** Small traffic for tests that need no referee (referee/README.md): lines of some lengths, one exchange, what stands in files. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export { exchange } from './tcp-client.ts';

const FILLER = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(8);

/** Text of a number: between 2 and some 210 characters, so that lines begin and end anywhere in a buffer. */
export function lineOf(number: number): string {
  return `${number}:${FILLER.slice(0, (number * 7919) % 199)}`;
}

/** All lines of the files of a folder, in the order of the names and of the files. */
export async function linesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const lines: string[] = [];
  for (const name of names) {
    const text = await readFile(join(folder, name), 'latin1');
    if (text !== '') for (const line of (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')) lines.push(line);
  }
  return lines;
}
