import { join } from 'node:path';
import { AgentError } from '../../core/errors.ts';
import type { StoreFiles } from '../../io/store-files.ts';
import { otherFormat } from './other-format.ts';

/** Where a channel keeps what it has. */
export interface Place {
  /** LevelDB's own directory. */
  readonly index: string;
  /** The segments. */
  readonly records: string;
  /** Where format 1 had its LevelDB. */
  readonly formerStore: string;
  readonly guard: string;
  /** Names the process that has the store open. */
  readonly owner: string;
  readonly reserve: string;
  /** Under which names the numbers of its events are told. */
  readonly epochs: string;
  /** Damaged parts. */
  readonly aside: string;
  readonly dataDirectory: string;
  readonly checkpointDirectory: string;
}

export function placeOf(dataDirectory: string, checkpointDirectory: string): Place {
  return {
    index: join(dataDirectory, 'millrace-index'),
    records: join(dataDirectory, 'millrace-records'),
    formerStore: join(dataDirectory, 'millrace-store'),
    guard: join(checkpointDirectory, 'millrace-guard'),
    owner: join(dataDirectory, 'millrace-owner'),
    reserve: join(dataDirectory, 'millrace-reserve'),
    epochs: join(dataDirectory, 'millrace-epochs'),
    aside: join(dataDirectory, 'millrace-aside'),
    dataDirectory,
    checkpointDirectory,
  };
}

/** Stores that this process has open, by the identity of their directory: LevelDB's own lock tells processes apart, not channels of one. */
const openHere = new Map<string, string>();

/** Marks the directory as open by channel `name`; answers how to end that. Throws where this process has it open already. */
export async function claimDirectory(files: StoreFiles, directory: string, name: string): Promise<() => void> {
  const { device, inode } = await files.makeDirectory(directory);
  const identity = `${device}:${inode}`;
  const other = openHere.get(identity);
  if (other !== undefined) throw inUseError(directory, `${other} of this process has it open; give ${name} directories of its own`);
  openHere.set(identity, name);
  return () => openHere.delete(identity);
}

export function inUseError(directory: string, who: string, cause?: unknown): AgentError {
  return new AgentError('M135', `cannot open the store in ${directory}: ${who}`, { cause });
}

/** Throws where a directory holds what Flume's own file channel wrote. */
export async function refuseFlumeData(files: StoreFiles, directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    const names = await files.list(directory);
    const found = names.find((name) => /^log-\d+(?:\.meta)?$/.test(name) || name === 'checkpoint' || name === 'checkpoint.meta');
    if (found === undefined) continue;
    throw new AgentError('M133', `${join(directory, found)} was written by the file channel of Flume, which Millrace cannot read yet: let Flume drain the channel, then give this one other directories, or move Flume's away`);
  }
}

/** Throws where format 1 was written, which no released version did. */
export async function refuseFormerStore(files: StoreFiles, directory: string): Promise<void> {
  if ((await files.list(directory)).includes('CURRENT')) throw otherFormat(directory, 1);
}
