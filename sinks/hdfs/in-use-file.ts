import type { Serializer } from '../../core/component.ts';
import type { Head } from './open-list.ts';

/** How files are named, besides the directory and the prefix that events decide. */
export interface NameParts {
  readonly inUsePrefix: string;
  readonly inUseSuffix: string;
  readonly suffix: string;
}

/** A file that is written to, or was. Paths have no file system in front. */
export interface InUseFile {
  path: string;
  finalPath: string;
  /** In the list of open files; 0: not noted. */
  id: number;
  head: Head;
  created: boolean;
  /** Bytes that were accepted. */
  length: number;
  /** Events, and bytes of their bodies, that were accepted. */
  events: number;
  bodyBytes: number;
  /** Where each file needs its own. */
  serializer: Serializer | undefined;
  rollTimer: NodeJS.Timeout | undefined;
}

/** What a bucket needs to name files: Flume's `<path>/<prefix>.<counter><suffix>`. */
export class Bucket {
  readonly key: string;
  readonly #stem: { readonly directory: string; readonly prefix: string };
  readonly #names: NameParts;
  #counter: number;
  file: InUseFile | undefined;
  idleTimer: NodeJS.Timeout | undefined;

  /** `counter`: milliseconds; the first file has the next number. */
  constructor(directory: string, prefix: string, names: NameParts, counter: number) {
    this.key = bucketKey(directory, prefix);
    // An empty value leaves two slashes, which Hadoop takes for one.
    this.#stem = { directory: directory.replace(/\/{2,}/g, '/').replace(/\/$/, ''), prefix };
    this.#names = names;
    this.#counter = counter;
  }

  get counter(): number {
    return this.#counter;
  }

  newFile(): InUseFile {
    const none = { size: 0, crc: 0 };
    return { ...this.#nextNames(), id: 0, head: none, created: false, length: 0, events: 0, bodyBytes: 0, serializer: undefined, rollTimer: undefined };
  }

  /** For a file whose name turned out to be taken. */
  rename(file: InUseFile): void {
    Object.assign(file, this.#nextNames());
  }

  #nextNames(): { path: string; finalPath: string } {
    const { inUsePrefix, inUseSuffix, suffix } = this.#names;
    const { directory, prefix } = this.#stem;
    const name = `${prefix}.${++this.#counter}${suffix}`;
    return { path: `${directory}/${inUsePrefix}${name}${inUseSuffix}`, finalPath: `${directory}/${name}` };
  }
}

export function bucketKey(directory: string, prefix: string): string {
  return `${directory}/${prefix}`;
}

/** The same name with a later counter, for a final name that is taken. */
export function laterName(finalPath: string, suffix: string, now: number): string {
  const stem = finalPath.slice(0, finalPath.length - suffix.length).replace(/\.\d+$/, '');
  return `${stem}.${now}${suffix}`;
}
