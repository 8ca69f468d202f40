import type { StoreView } from './inspect.ts';

/** What is known of a store without reading all of it, in values that JSON knows. */
export interface StoreFacts {
  readonly directory: string;
  readonly checkpointDirectory?: string;
  /** Identity, 16 hex digits. */
  readonly store: string;
  /** Number of the first event that is not done with, and of the next one that comes. */
  readonly head: number;
  readonly tail: number;
  readonly left: number;
  readonly leftBytes: number;
  /** When the oldest event that is left was written, in milliseconds since 1970. */
  readonly oldestMs?: number;
  readonly fileBytes: number;
  readonly segments: readonly { readonly path: string; readonly bytes: number; readonly first: number; readonly end: number; readonly left: number; readonly generation: number }[];
  readonly spares: number;
  readonly missing: readonly { readonly from: number; readonly to: number; readonly reasons: readonly string[] }[];
  readonly strange: readonly string[];
  readonly remarks: readonly string[];
}

export function factsOf(view: StoreView): StoreFacts {
  const { place, parts, store, head, tail, left, leftBytes, oldestMs, segments, spares, gaps, strange, remarks } = view;
  return {
    directory: place.dataDirectory,
    ...(parts.checkpointDirectory !== undefined && { checkpointDirectory: parts.checkpointDirectory }),
    store,
    head,
    tail,
    left,
    leftBytes,
    ...(oldestMs !== undefined && { oldestMs }),
    fileBytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    segments: segments.map(({ path, bytes, first, end, left: waiting, generation }) => ({ path, bytes, first, end, left: waiting, generation })),
    spares: spares.length,
    missing: gaps.map(({ from, to, faults }) => ({ from, to, reasons: faults.map(({ sentence }) => sentence) })),
    strange,
    remarks,
  };
}
