/** One step of a write: a value to set, or a key to delete. */
export type Step = { readonly key: Buffer; readonly value: Buffer } | { readonly key: Buffer; readonly value?: undefined };

export interface ScanOptions {
  readonly gte: Buffer;
  readonly lt: Buffer;
  readonly limit: number;
  /** The page ends behind the entry with which its values reach this many bytes. */
  readonly mostBytes?: number;
  readonly reverse?: boolean;
}

export type Entry = readonly [key: Buffer, value: Buffer];

/** What the channel needs of a store of sorted keys: narrow, so that a test can stand in, fail each call and cut the power. */
export interface Store {
  /** Throws StoreLockedError where another process has it open. */
  open(): Promise<void>;
  close(): Promise<void>;
  /** All steps or none. With `sync` it resolves when they, and all writes before, are on the disk. */
  write(steps: readonly Step[], sync: boolean): Promise<void>;
  get(key: Buffer): Promise<Buffer | undefined>;
  /** The entries from `gte` on, below `lt`, in order. */
  scan(options: ScanOptions): Promise<Entry[]>;
  /** Gives back the space of what was deleted between the keys. */
  compact(from: Buffer, to: Buffer): Promise<void>;
  /** Puts together what can still be read of a store that does not open. Only for one that is closed. */
  repair(): Promise<void>;
}

/** Another process has the store open. */
export class StoreLockedError extends Error {}

/** Whether a read failed because of what is on the disk; any other failure may be gone at the next attempt, and proves nothing. */
export function isDamage(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ((at as { code?: unknown }).code === 'LEVEL_CORRUPTION' || DAMAGE.test(at.message)) return true;
  }
  return false;
}

const DAMAGE = /corrupt|not an sstable|bad block|truncated|\.(?:ldb|sst): (?:Invalid argument|No such file)|Input\/output error|\bEIO\b/i;
