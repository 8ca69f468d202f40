import type { Batch } from './batch.ts';

/**
 * Bodies laid out one behind the other, each followed by `gap` bytes that belong to no event: 1 where lines came with their line feeds and
 * are copied as they lie, so that a sink can write them as they lie; else 0.
 */
export function gapOf({ bounds, size, bytes }: Batch): 0 | 1 {
  if (size === 0 || (bounds[2 * size - 1] as number) + 1 > bytes.length) return 0;
  return isRun(bounds, size, 1) ? 1 : 0;
}

export function copyLengths({ bounds, size }: Batch, lengths: Uint32Array): void {
  for (let index = 0; index < size; index++) lengths[index] = (bounds[2 * index + 1] as number) - (bounds[2 * index] as number);
}

/** Copies the bodies to `from` of `target`; answers where they end. */
export function copyBodies(batch: Batch, gap: 0 | 1, target: Buffer, from: number): number {
  const run = bodyRun(batch, gap);
  if (run) return from + run.copy(target, from);
  const { bounds, size, bytes } = batch;
  let at = from;
  for (let index = 0; index < size; index++) at += bytes.copy(target, at, bounds[2 * index], bounds[2 * index + 1]);
  return at;
}

/** A view of all bodies with their gaps, where they lie so already. */
export function bodyRun({ bounds, size, bytes }: Batch, gap: 0 | 1): Buffer | undefined {
  if (size === 0 || (gap === 0 && !isRun(bounds, size, 0))) return undefined;
  return bytes.subarray(bounds[0], (bounds[2 * size - 1] as number) + gap);
}

/** Sets the bounds of events from number `from` on, whose bodies begin at `start`; answers where they end. */
export function fillBounds(bounds: Uint32Array, from: number, lengths: Uint32Array, start: number, gap: number): number {
  let at = start;
  for (let index = 0; index < lengths.length; index++) {
    bounds[2 * (from + index)] = at;
    at += lengths[index] as number;
    bounds[2 * (from + index) + 1] = at;
    at += gap;
  }
  return at;
}

function isRun(bounds: Uint32Array, size: number, gap: number): boolean {
  for (let index = 2; index < 2 * size; index += 2) if (bounds[index] !== (bounds[index - 1] as number) + gap) return false;
  return true;
}
