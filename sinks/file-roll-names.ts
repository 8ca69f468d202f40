import { join } from 'node:path';

export interface NameParts {
  readonly directory: string;
  readonly prefix: string;
  /** Without its full stop; empty: none. */
  readonly extension: string;
}

/** Paths of the files that follow one another, none twice. */
export interface FileNames {
  next(nowMs: number): string;
}

/** Flume's DEFAULT: `<prefix><milliseconds of the first file>-<n>`, n = 1, 2, 3 … */
export class CountedNames implements FileNames {
  readonly #parts: NameParts;
  readonly #sinceMs: number;
  #number = 0;

  constructor(parts: NameParts, sinceMs: number) {
    this.#parts = parts;
    this.#sinceMs = sinceMs;
  }

  next(): string {
    this.#number++;
    return pathOf(this.#parts, `${this.#sinceMs}-${this.#number}`);
  }
}

/** Flume's ROLLTIME: `<prefix><yyyyMMddHHmmss>-<n>` in local time, n from 1 again whenever the second is another one. */
export class TimedNames implements FileNames {
  readonly #parts: NameParts;
  #second = '';
  #number = 0;

  constructor(parts: NameParts) {
    this.#parts = parts;
  }

  next(nowMs: number): string {
    const second = secondOf(new Date(nowMs));
    this.#number = second === this.#second ? this.#number + 1 : 1;
    this.#second = second;
    return pathOf(this.#parts, `${second}-${this.#number}`);
  }
}

function pathOf({ directory, prefix, extension }: NameParts, name: string): string {
  return join(directory, `${prefix}${name}${extension === '' ? '' : `.${extension}`}`);
}

function secondOf(date: Date): string {
  const fields = [date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];
  return `${date.getFullYear()}${fields.map((field) => String(field).padStart(2, '0')).join('')}`;
}
