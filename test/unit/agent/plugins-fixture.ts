import type { Sink } from '../../../core/component.ts';

/** A sink that does nothing. */
export function loggerLike(): Sink {
  return { batchSize: 1, start: async () => {}, stop: async () => {}, write: async () => {} };
}
