/** A partition, and the offset of the record to begin at. */
export interface Start {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Where reading stands in a partition. An answer counts only for the object that it was asked for with. */
export interface PartitionLog extends Start {
  handedOut: number;
  /** Behind the last batch that was opened. */
  opened: number;
  fetchFrom: number;
  asked: boolean;
  retryAtMs: number;
  /** Tries in a row that came to nothing. */
  failures: number;
}

export function logFrom({ topic, partition, offset }: Start, retryAtMs = 0): PartitionLog {
  return { topic, partition, offset, handedOut: offset, opened: offset, fetchFrom: offset, asked: false, retryAtMs, failures: 0 };
}

export function keyOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}
