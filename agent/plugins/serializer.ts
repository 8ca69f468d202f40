import type { Batch } from '../../core/batch.ts';
import type { Serializer } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';

type Reject = (index: number, reason: string) => void;

/**
 * A serializer of a plug-in that throws where it should have called `reject`: the events that it throws for are found one by one and
 * rejected, so that a single bad one does not hold up all that stand behind it. If it throws for every event of the batch, nothing tells
 * a bad event from a serializer that does not work at the moment, and the batch is tried again.
 */
export function isolating(serializer: Serializer): Serializer {
  const encode = async (batch: Batch, reject: Reject): Promise<Buffer> => {
    // Kept until it is known whether this call counts.
    const rejected = new Map<number, string>();
    try {
      const bytes = await serializer.encode(batch, (index, reason) => void rejected.set(index, reason));
      for (const [index, reason] of rejected) reject(index, reason);
      return bytes;
    } catch (error) {
      if (batch.size < 2) throw error;
      return encodeOthers(serializer, batch, reject, error);
    }
  };
  return {
    canAppend: serializer.canAppend,
    begin: () => serializer.begin(),
    encode,
    undo: () => serializer.undo?.(),
    end: () => serializer.end(),
  };
}

async function encodeOthers(serializer: Serializer, batch: Batch, reject: Reject, error: unknown): Promise<Buffer> {
  const good: number[] = [];
  const bad = new Map<number, string>();
  for (let index = 0; index < batch.size; index++) {
    try {
      await serializer.encode(batch.slice(index, index + 1), () => undefined);
      serializer.undo?.();
      good.push(index);
    } catch (reason) {
      bad.set(index, `the serializer failed for it: ${describeError(reason)}`);
    }
  }
  if (good.length === 0 || bad.size === 0) throw error;
  const rejected = new Map<number, string>();
  const bytes = await serializer.encode(batch.select(Uint32Array.from(good)), (at, reason) => void rejected.set(good[at] as number, reason));
  for (const [index, reason] of [...bad, ...rejected]) reject(index, reason);
  return bytes;
}
