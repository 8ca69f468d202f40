import { AgentError } from '../../core/errors.ts';

/**
 * What became of a call that failed. `not stored`: the file is as it was. `exists`: there is a file of that name already. `gone`: the
 * file that was to be changed is not there. `impossible`: there can be no such file, ever. `unclear`: all, some or none of the bytes may
 * be in the file, and more may come.
 */
export type Outcome = 'not stored' | 'exists' | 'gone' | 'impossible' | 'unclear';

/** A call to a file system failed. */
export class StoreError extends AgentError {
  readonly outcome: Outcome;

  constructor(outcome: Outcome, message: string, options?: { cause?: unknown }) {
    super('M170', message, options);
    this.outcome = outcome;
  }
}

/**
 * Files that only grow, on whatever file system. Paths begin with `/`. Every method throws StoreError; those that change nothing twice
 * (`length`, `cut`, `remove`) may be called again after any error.
 */
export interface FileStore {
  /** For messages: `http://name:9870`. */
  readonly address: string;
  /** The path that stands for one which this file system would refuse because of the characters in it. */
  allowed(path: string): string;
  /** Makes a file, with the folders above it, that holds the bytes; resolves when it is as safe as this file system makes it. */
  create(path: string, bytes: Buffer, signal: AbortSignal): Promise<void>;
  /** Adds bytes to a file of `length` bytes; resolves as `create` does. */
  append(path: string, length: number, bytes: Buffer, signal: AbortSignal): Promise<void>;
  /** `undefined` where there is no file. */
  length(path: string): Promise<number | undefined>;
  /** The first bytes of a file, up to `most`. */
  head(path: string, most: number): Promise<Buffer>;
  /** Takes away what stands behind `length`; `false` while that is not done yet: ask again. Nobody who wrote before writes after it. */
  cut(path: string, length: number): Promise<boolean>;
  /** Never replaces a file: `false` if there is one of that name. Resolves `true` also where an earlier call had done it. */
  rename(from: string, to: string): Promise<boolean>;
  remove(path: string): Promise<void>;
  close(): void;
}
