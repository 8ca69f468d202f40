/** One step of a write: a value to set, or a key to delete. */
export type Step = { readonly key: Buffer; readonly value: Buffer } | { readonly key: Buffer; readonly value?: undefined };

export interface ScanOptions {
  readonly gte: Buffer;
  readonly lt: Buffer;
  readonly limit: number;
  readonly reverse?: boolean;
}

export type Entry = readonly [key: Buffer, value: Buffer];

/** What the channel needs of a store of sorted keys: narrow, so that a test can stand in and fail each call. */
export interface Store {
  /** Throws StoreLockedError where another process has it open. */
  open(): Promise<void>;
  close(): Promise<void>;
  /** All steps or none. On the disk some time later. */
  write(steps: readonly Step[]): Promise<void>;
  get(key: Buffer): Promise<Buffer | undefined>;
  /** The entries from `gte` on, below `lt`, in order. */
  scan(options: ScanOptions): Promise<Entry[]>;
}

/** Another process has the store open. */
export class StoreLockedError extends Error {}

/** Whether a store failed because the disk is full: it can do without it until there is room. */
export function isWantOfRoom(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (/ENOSPC|No space left|EDQUOT|quota/i.test(at.message)) return true;
  return false;
}

/** Whether a store failed because of what is on the disk. Want of room, rights or descriptors may be over at the next attempt. */
export function isDamage(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (PASSING.test(at.message)) return false;
  return true;
}

const PASSING = /ENOSPC|No space left|EDQUOT|quota|EACCES|EPERM|Permission denied|not permitted|EROFS|Read-only|EMFILE|ENFILE|Too many open files|ENOMEM|Cannot allocate/i;
