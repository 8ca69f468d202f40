import { appendFileSync, existsSync, linkSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';

/** What other programs do to files that are followed. Each is one change, as the system makes it. */
export interface FileOperations {
  /** Makes the file where there is none. */
  append(path: string, text: string): void;
  /** Cuts a file, or makes an empty one. */
  truncate(path: string, size: number): void;
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
  remove(path: string): void;
  /** Bytes as ISO-8859-1. */
  read(path: string): string;
  exists(path: string): boolean;
}

export const realFiles: FileOperations = {
  append: (path, text) => appendFileSync(path, text, 'latin1'),
  truncate: (path, size) => (existsSync(path) ? truncateSync(path, size) : writeFileSync(path, '')),
  rename: renameSync,
  link: linkSync,
  remove: (path) => rmSync(path),
  read: (path) => readFileSync(path, 'latin1'),
  exists: existsSync,
};
