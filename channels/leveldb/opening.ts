import { join } from 'node:path';
import { describeError, type AgentError } from '../../core/errors.ts';
import type { StoreFiles } from '../../io/store-files.ts';
import type { GuardState } from './guard.ts';
import { livingOwner, writeOwner } from '../../io/owner-file.ts';
import { inUseError, type Place } from './place.ts';
import type { Gap } from './record-reader.ts';
import { recover, type Recovery, type RecoveryOptions } from './recovery.ts';
import { isDamage, StoreLockedError, type Store } from './store.ts';

/** Room that opening a store may take: what its log holds is written to tables. */
export const OPENING_BYTES = 24 * 1024 * 1024;

export interface Opened extends Recovery {
  /** Where damaged parts were put; absent where nothing was damaged. */
  readonly aside?: string;
}

export interface OpeningParts {
  readonly store: Store;
  readonly files: StoreFiles;
  readonly place: Place;
  readonly guard: GuardState | undefined;
  readonly refusedFrom?: number;
  /** It opens, and cannot be used: why it is to be repaired. */
  readonly damage?: string;
}

/**
 * Opens a store, whatever became of it, and brings it to one account with its guard. What LevelDB would give up silently while it opens
 * is kept under a second name until the account has shown that nothing is missing. Leaves the store closed where it throws.
 */
export async function openStore(parts: OpeningParts): Promise<Opened> {
  const { store, files, place } = parts;
  const pending = join(place.aside, 'opening');
  const names = await files.list(place.store);
  if ((await files.freeBytes(place.dataDirectory)) < OPENING_BYTES) await files.remove(place.reserve);
  await files.linkAll(place.store, names.filter((name) => /^(?:\d+\.log|MANIFEST-\d+|CURRENT)$/.test(name)), pending);
  let fault = await openOrRepair(parts, names, pending);
  try {
    await writeOwner(files, place.owner).catch(() => undefined);
    let recovery: Recovery;
    try {
      recovery = await recover(store, parts.guard, optionsFor(parts, fault !== undefined));
    } catch (error) {
      if (fault !== undefined || !isDamage(error)) throw error;
      await store.close();
      fault = await repair(parts, await files.list(place.store), pending, describeError(error));
      recovery = await recover(store, parts.guard, optionsFor(parts, true));
    }
    if (recovery.gaps.length === 0 && fault === undefined) {
      await files.remove(pending);
      return recovery;
    }
    const remarks = fault === undefined ? recovery.remarks : [...recovery.remarks, fault];
    return { ...recovery, remarks, aside: await keepAside(parts, pending, recovery.gaps, remarks) };
  } catch (error) {
    await store.close().catch(() => undefined);
    throw error;
  }
}

/** Writes what is known of damaged events into a directory of its own, from `pending` if given; answers its path. */
export async function keepAside(
  { files, place }: Pick<OpeningParts, 'files' | 'place'>,
  pending: string | undefined,
  gaps: readonly Gap[],
  remarks: readonly string[],
): Promise<string> {
  const numbers = (await files.list(place.aside)).map((name) => Number(/^damage-(\d+)$/.exec(name)?.[1] ?? 0));
  const target = join(place.aside, `damage-${String(Math.max(0, ...numbers) + 1).padStart(4, '0')}`);
  if (pending === undefined) await files.makeDirectory(target);
  else await files.rename(pending, target);
  const lines = [...remarks, ...gaps.flatMap((gap) => [`missing: ${describeGap(gap)}`, ...gap.faults.map(({ sentence }) => `  ${sentence}`)])];
  for (const { first, value } of gaps.flatMap(({ faults }) => faults)) {
    if (value) await files.replace(join(target, `record-${first}.bin`), value);
  }
  await files.replace(join(target, 'report.txt'), Buffer.from(`${lines.join('\n')}\n`));
  return target;
}

export function describeGap({ from, to }: { readonly from: number; readonly to: number }): string {
  return `events ${from} to ${to - 1} (${to - from})`;
}

/** Answers what was wrong with a store that had to be repaired. */
async function openOrRepair(parts: OpeningParts, names: readonly string[], pending: string): Promise<string | undefined> {
  const { store, files, place } = parts;
  let fault = parts.damage ?? (await faultOfFiles(files, place.store, names));
  if (fault === undefined) {
    try {
      await store.open();
      return undefined;
    } catch (error) {
      if (error instanceof StoreLockedError) throw await inUse(parts, error);
      if (!isDamage(error)) throw error;
      fault = describeError(error);
    }
  }
  return repair(parts, names, pending, fault);
}

/** Answers what is to be said of it. All files as they were found get a second name first: LevelDB's repair moves and deletes. */
async function repair(parts: OpeningParts, names: readonly string[], pending: string, fault: string): Promise<string> {
  const { store, files, place } = parts;
  if ((await livingOwner(files, place.owner)) !== undefined) throw await inUse(parts, new Error(fault));
  await files.linkAll(place.store, names.filter((name) => name !== 'LOCK' && name !== 'lost'), pending);
  await store.repair();
  await store.open();
  return `${fault}; the store was put together from what could be read`;
}

function optionsFor({ refusedFrom }: OpeningParts, thorough: boolean): RecoveryOptions {
  return { thorough, ...(refusedFrom !== undefined && { refusedFrom }) };
}

/** A store without these files would be taken for an empty one, and what it holds would be deleted. */
async function faultOfFiles(files: StoreFiles, directory: string, names: readonly string[]): Promise<string | undefined> {
  const holds = names.filter((name) => /^(?:\d+\.(?:log|ldb|sst)|MANIFEST-\d+)$/.test(name));
  if (holds.length === 0) return undefined;
  const current = (await files.read(join(directory, 'CURRENT')))?.toString();
  if (current === undefined) return `${join(directory, 'CURRENT')} is missing beside ${holds.length} files of a store`;
  const manifest = /^(MANIFEST-\d+)\n$/.exec(current)?.[1];
  if (manifest === undefined) return `${join(directory, 'CURRENT')} names no manifest`;
  return names.includes(manifest) ? undefined : `${join(directory, manifest)} is missing`;
}

async function inUse({ files, place }: OpeningParts, cause: unknown): Promise<AgentError> {
  const owner = await livingOwner(files, place.owner);
  const who = owner === undefined ? 'another process has it open' : `process ${owner} has it open`;
  return inUseError(place.store, `${who}; end it, or give this channel directories of its own`, cause);
}
