import type * as Library from '@platformatic/kafka';
import type { Coordinators } from './coordinators.ts';

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly metadata: string;
}

/**
 * What a group has committed: of the given partitions, or of all. Waits for transactions that have offsets of it and are not finished; what
 * somebody committed who was cut off counts, and what nobody will ever commit does not.
 */
export async function committedOffsets(
  library: typeof Library,
  coordinators: Coordinators,
  groupId: string,
  wanted: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | undefined,
  signal: AbortSignal,
): Promise<CommittedOffset[]> {
  const topics = wanted?.map(({ topic, partitions }) => ({ name: topic, partitionIndexes: [...partitions] })) ?? null;
  const answer = await coordinators.ask('group', groupId, (connection) => library.offsetFetchV7.api.async(connection, [{ groupId, topics }], true), signal);
  const found: CommittedOffset[] = [];
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, committedOffset, metadata } of partitions) {
      if (committedOffset >= 0n) found.push({ topic: name, partition: partitionIndex, offset: committedOffset, metadata: metadata ?? '' });
    }
  }
  return found;
}
