import type * as Library from '@platformatic/kafka';
import { insertRange, type NumberRange } from '../../core/number-ranges.ts';
import { committedOffsets } from './committed-offsets.ts';
import type { Coordinators } from './coordinators.ts';
import { groupOfPositions, type GroupOffsets } from './transactions.ts';

/** Brokers take 4096 unless `offset.metadata.max.bytes` says otherwise. */
const MOST_CHARACTERS = 4000;

/**
 * Which events of a channel are in Kafka, by their numbers there. It is kept in Kafka itself, as an offset that is committed together with
 * the events: the offset is the number behind the last of them, and its metadata has all of them, as pairs of decimal numbers, each the
 * distance from the end of the pair before to its beginning, and its length: `0+1000 3+7` is 0 to 999 and 1003 to 1009.
 */
export class WrittenNumbers {
  readonly #groupId: string;
  #ranges: NumberRange[] = [];

  constructor(groupId: string) {
    this.#groupId = groupId;
  }

  get ranges(): readonly NumberRange[] {
    return this.#ranges;
  }

  /** Reads what was committed; waits for transactions that are not finished. */
  async read(library: typeof Library, coordinators: Coordinators, signal: AbortSignal): Promise<void> {
    this.#ranges = [];
    // Each topic that events went to may have a position; all of them are true.
    for (const { metadata } of await committedOffsets(library, coordinators, this.#groupId, undefined, signal)) {
      for (const [from, to] of decodeRanges(metadata)) insertRange(this.#ranges, from, to);
    }
  }

  /** All numbers with `more` among them, as an offset of `topic`; `undefined` where they are too many for one. Those below `settled` need not be kept. */
  with(more: readonly (readonly [number, number])[], settled: number, topic: string): { readonly offsets: GroupOffsets; readonly keep: () => void } | undefined {
    const ranges = this.#ranges.map(([from, to]): NumberRange => [from, to]);
    for (const [from, to] of more) insertRange(ranges, from, to);
    let metadata = encodeRanges(ranges);
    if (metadata.length > MOST_CHARACTERS) {
      ranges.splice(0, ranges.findIndex(([, to]) => to > settled));
      metadata = encodeRanges(ranges);
    }
    if (metadata.length > MOST_CHARACTERS) return undefined;
    const offset = BigInt(ranges.at(-1)?.[1] ?? 0);
    return {
      offsets: { group: groupOfPositions(this.#groupId), offsets: [{ topic, partition: 0, offset, leaderEpoch: -1, metadata }] },
      keep: () => void (this.#ranges = ranges),
    };
  }
}

export function encodeRanges(ranges: readonly NumberRange[]): string {
  let end = 0;
  return ranges
    .map(([from, to]) => {
      const pair = `${from - end}+${to - from}`;
      end = to;
      return pair;
    })
    .join(' ');
}

export function decodeRanges(text: string): NumberRange[] {
  if (!/^\d+\+\d+( \d+\+\d+)*$/.test(text)) return [];
  let end = 0;
  return text.split(' ').map((pair): NumberRange => {
    const [gap = 0, length = 0] = pair.split('+').map(Number);
    const from = end + gap;
    end = from + length;
    return [from, end];
  });
}
