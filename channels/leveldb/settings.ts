import type { StoreFiles } from '../../io/store-files.ts';
import type { RecordCodec } from './record.ts';
import type { Store } from './store.ts';

export interface DurableSettings {
  readonly dataDirectory: string;
  readonly checkpointDirectory: string;
  /** Directories that the configuration names and that stay unused. */
  readonly unusedDirectories: readonly string[];
  readonly capacity: number;
  readonly transactionCapacity: number;
  readonly keepAliveMs: number;
  readonly requiredBytes: number;
  readonly reserveBytes: number;
  /** Length of a new segment; 16 MB where it is left out. */
  readonly segmentBytes?: number;
  /** Memory for events that were stored and not taken, or read ahead; 3 MB where it is left out. */
  readonly readyBytes?: number;
  /** Commits reach the disk so often; 100 ms where it is left out. */
  readonly accountMs?: number;
  /** 0: each write is synced; otherwise the time between two syncs. */
  readonly syncIntervalMs: number;
}

export interface DurableParts {
  readonly store: (directory: string) => Store;
  readonly files: StoreFiles;
  /** Plain where it is left out. */
  readonly codec?: RecordCodec;
  readonly settings: DurableSettings;
}
