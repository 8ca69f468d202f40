import type { Batch } from '../../core/batch.ts';
import type { Bucket, InUseFile } from './in-use-file.ts';

export interface RollLimits {
  /** 0: no limit, for both. */
  readonly events: number;
  readonly bodyBytes: number;
}

/** Events of a batch that go into one file, in one request. */
export interface Piece {
  readonly bucket: Bucket;
  readonly file: InUseFile;
  readonly batch: Batch;
  /** Index in the whole batch of each event; absent: the same. */
  readonly indices: Uint32Array | undefined;
  state: 'waiting' | 'not stored' | 'stored' | 'unclear' | 'gone';
  /** Bytes it made. */
  length: number;
}

/** What a batch means for one bucket. Nothing is changed by making it. */
export interface BucketPlan {
  readonly bucket: Bucket;
  readonly pieces: readonly Piece[];
  /** Full: to be closed once everything is stored. */
  readonly full: readonly InUseFile[];
  /** Open afterwards. */
  readonly last: InUseFile;
}

/** Splits the events of a bucket among files: as in Flume a file that has reached a limit is closed when the next event comes. */
export function planBucket(bucket: Bucket, batch: Batch, indices: Uint32Array | undefined, limits: RollLimits): BucketPlan {
  const pieces: Piece[] = [];
  const full: InUseFile[] = [];
  const size = indices?.length ?? batch.size;
  let file = bucket.file;
  let events = file?.events ?? 0;
  let bodyBytes = file?.bodyBytes ?? 0;
  let from = 0;
  const add = (to: number, into: InUseFile): void => {
    if (to > from) pieces.push(pieceOf(bucket, into, batch, indices, from, to));
    from = to;
  };
  const { bounds } = batch;
  const unlimited = limits.events === 0 && limits.bodyBytes === 0;
  file ??= bucket.newFile();
  for (let at = 0; at < size && !unlimited; at++) {
    if ((limits.events > 0 && events >= limits.events) || (limits.bodyBytes > 0 && bodyBytes >= limits.bodyBytes)) {
      add(at, file);
      full.push(file);
      file = bucket.newFile();
      events = 0;
      bodyBytes = 0;
    }
    const index = indices ? (indices[at] as number) : at;
    events++;
    bodyBytes += (bounds[2 * index + 1] as number) - (bounds[2 * index] as number);
  }
  add(size, file);
  return { bucket, pieces, full, last: file };
}

function pieceOf(bucket: Bucket, file: InUseFile, batch: Batch, indices: Uint32Array | undefined, from: number, to: number): Piece {
  const own = indices?.subarray(from, to);
  const isWhole = !own && from === 0 && to === batch.size;
  return {
    bucket,
    file,
    batch: own ? batch.select(own) : batch.slice(from, to),
    indices: own ?? (isWhole ? undefined : Uint32Array.from({ length: to - from }, (_, index) => from + index)),
    state: 'waiting',
    length: 0,
  };
}
