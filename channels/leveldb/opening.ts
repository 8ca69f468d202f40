import { join } from 'node:path';
import { describeError, type AgentError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { describeOwner, writeOwner } from '../../io/owner-file.ts';
import type { StoreFiles } from '../../io/store-files.ts';
import type { GuardState } from './guard.ts';
import { IndexTables, tablesFault } from './index-tables.ts';
import { FORMAT_VERSION } from './keys.ts';
import type { Gap } from './log-reader.ts';
import { otherFormat } from './other-format.ts';
import { inUseError, type Place } from './place.ts';
import { RecordIndex, type IndexContent } from './record-index.ts';
import { recover, type Recovery } from './recovery.ts';
import { RECORDS_AT } from './segment.ts';
import { isDamage, isWantOfRoom, StoreLockedError, type Store } from './store.ts';

/** Room that opening a store may take: LevelDB writes a manifest, and a table of what its log held. */
export const OPENING_BYTES = 4 * 1024 * 1024;
const REWRITE_BYTES = 1024 * 1024;

export interface Opened extends Recovery {
  /** Where damaged parts were put; absent where nothing was damaged. */
  readonly aside?: string;
}

export interface OpeningParts {
  readonly files: StoreFiles;
  readonly place: Place;
  readonly guard: GuardState | undefined;
  readonly segmentBytes: number;
  readonly log: Logger;
}

/** Opens the index, which only one process can; one that is damaged is set aside, and another begun. */
export async function openIndex(parts: OpeningParts, store: Store): Promise<{ index: RecordIndex; content: IndexContent | undefined; remarks: string[] }> {
  const { files, place, log, guard } = parts;
  if ((await files.freeBytes(place.dataDirectory)) < OPENING_BYTES) await files.remove(place.reserve);
  await refuseOtherOwner(parts);
  const index = new RecordIndex(store, new IndexTables(files, place.index), log);
  let content: IndexContent | undefined;
  let fault = await tablesFault(files, place.index);
  try {
    if (fault === undefined) {
      await index.open();
      content = await index.read();
      if (content && content.format !== FORMAT_VERSION) throw otherFormat(place.index, content.format);
      if (content && guard && content.store !== guard.store) fault = `it belongs to store ${content.store}, and the guard to ${guard.store}`;
    }
  } catch (error) {
    await store.close();
    if (error instanceof StoreLockedError) throw await inUse(parts, error);
    if (content || !(isDamage(error) || isWantOfRoom(error))) throw error;
    if (isWantOfRoom(error)) index.openLater();
    else fault = describeError(error);
  }
  try {
    const remarks: string[] = [];
    if (fault !== undefined) {
      content = undefined;
      await store.close();
      const aside = await beginAnew(parts, index);
      remarks.push(`the index in ${place.index} cannot be used: ${fault}; it is kept in ${aside}, and built anew`);
    }
    await writeOwner(files, place.owner).catch(() => undefined);
    return { index, content, remarks };
  } catch (error) {
    await store.close().catch(() => undefined);
    throw error;
  }
}

/** Opens an empty index; the files of the old one get a second name first. What another process has open is left to it. */
async function beginAnew(parts: OpeningParts, index: RecordIndex): Promise<string> {
  const { files, place } = parts;
  const aside = join(await nextAside(files, place), 'index');
  const names = (await files.list(place.index)).filter((name) => name !== 'LOCK');
  await files.linkAll(place.index, names, aside);
  for (const name of names) await files.remove(join(place.index, name));
  try {
    await index.open();
    return aside;
  } catch (error) {
    if (!(error instanceof StoreLockedError)) throw error;
    await files.linkAll(aside, names, place.index);
    throw await inUse(parts, error);
  }
}

/** Finds out what the segments hold, and mends what nobody else has to decide: cuts off what was refused, sets aside what is damaged. */
export async function openSegments(
  parts: OpeningParts,
  index: IndexContent | undefined,
  again?: { readonly refusedFrom: number; readonly unsynced: boolean },
): Promise<Opened> {
  const { files, place, guard, segmentBytes, log } = parts;
  const recovery = await recover({
    files,
    directory: place.records,
    guard,
    segmentBytes,
    done: index?.done,
    store: index?.store,
    ...(again && { refusedFrom: again.refusedFrom }),
    progress: (found) => log.info('opening the store', { directory: place.records, found }),
  });
  const last = recovery.catalogue.segments.at(-1);
  const { end } = recovery.catalogue;
  if (last && end !== undefined && (recovery.leftOver || again?.unsynced === true)) await mendEnd(files, join(place.records, last.name), end, again?.unsynced === true);
  if (recovery.gaps.length === 0 && recovery.strange.length === 0) return recovery;
  try {
    return { ...recovery, aside: await keepAside(parts, recovery.gaps, recovery) };
  } catch (error) {
    return { ...recovery, remarks: [...recovery.remarks, `damaged files cannot be set aside: ${describeError(error)}`] };
  }
}

/** Gives the damaged segments a second name in a directory of its own, with a report; answers its path. */
export async function keepAside(
  { files, place }: Pick<OpeningParts, 'files' | 'place'>,
  gaps: readonly Gap[],
  { remarks, strange }: Pick<Recovery, 'remarks' | 'strange'> = { remarks: [], strange: [] },
): Promise<string> {
  const target = await nextAside(files, place);
  await files.makeDirectory(target);
  const damaged = new Set(gaps.flatMap(({ faults }) => faults.map(({ segment }) => segment.name)));
  await files.linkAll(place.records, [...damaged], target);
  for (const name of strange) await files.rename(join(place.records, name), join(target, name));
  const lines = [...remarks, ...gaps.flatMap((gap) => [`missing: ${describeGap(gap)}`, ...gap.faults.map(({ sentence }) => `  ${sentence}`)])];
  await files.replace(join(target, 'report.txt'), Buffer.from(`${lines.join('\n')}\n`));
  return target;
}

export function describeGap({ from, to }: { readonly from: number; readonly to: number }): string {
  return `events ${from} to ${to - 1} (${to - from})`;
}

async function nextAside(files: StoreFiles, place: Place): Promise<string> {
  const numbers = (await files.list(place.aside)).map((name) => Number(/^damage-(\d+)$/.exec(name)?.[1] ?? 0));
  return join(place.aside, `damage-${String(Math.max(0, ...numbers) + 1).padStart(4, '0')}`);
}

/** Cuts off what follows the last record that counts; with `rewrite`, writes again what a sync that failed may have left unwritten. */
async function mendEnd(files: StoreFiles, path: string, end: number, rewrite: boolean): Promise<void> {
  const file = await files.open(path, 'write');
  try {
    await file.truncate(end);
    for (let at = RECORDS_AT; rewrite && at < end; at += REWRITE_BYTES) {
      await file.write(await file.read(at, Math.min(REWRITE_BYTES, end - at)), at);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The lock of LevelDB decides; this one is for where it does not reach, and comes before anything is looked at. */
async function refuseOtherOwner({ files, place }: OpeningParts): Promise<void> {
  const owner = await describeOwner(files, place.owner);
  if (owner !== undefined) throw inUseError(place.dataDirectory, `${owner} has it open; end it, or give this channel directories of its own`);
}

async function inUse({ files, place }: OpeningParts, cause: unknown): Promise<AgentError> {
  const owner = await describeOwner(files, place.owner);
  const who = `${owner ?? 'another process'} has it open`;
  return inUseError(place.dataDirectory, `${who}; end it, or give this channel directories of its own`, cause);
}
