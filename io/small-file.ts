import { readFileSync, statSync } from 'node:fs';

/** The text of a file that is small by nature; `undefined` if there is none. Throws what the system said for any other reason. */
export function readSmallFile(path: string, mostBytes = 1 << 20): string | undefined {
  const about = statSync(path, { throwIfNoEntry: false });
  if (!about?.isFile()) return undefined;
  if (about.size > mostBytes) throw new Error(`${path} has ${about.size} bytes; at most ${mostBytes} are read`);
  return readFileSync(path, 'utf8');
}
