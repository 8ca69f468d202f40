import type { Batch } from '../core/batch.ts';
import type { Channel, Sink, Transaction } from '../core/component.ts';
import { describeError, isAbort, RejectedError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { Backoff } from '../io/backoff.ts';

/** Pauses between attempts of a sink that fails; Flume waits 5 s each time. */
export const SINK_RETRY = { firstMs: 250, mostMs: 5000 };

export interface SinkRun {
  readonly sink: Sink;
  readonly channel: Channel;
  readonly log: Logger;
  count(counter: string, amount: number): void;
  /** Sets events aside that the sink can never accept. */
  setAside(batch: Batch, reason: string): Promise<void>;
}

/** Takes, writes and commits until `signal` aborts; one write in flight. */
export async function runSink(run: SinkRun, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff(SINK_RETRY);
  while (!signal.aborted) {
    try {
      if (!(await moveBatch(run, signal))) return;
      backoff.succeeded();
    } catch (error) {
      if (signal.aborted) return;
      run.log.warn('sink failed; its events are kept and offered again', {
        attempt: backoff.failures + 1,
        reason: describeError(error),
      });
      await backoff.pause(signal).catch(() => undefined);
    }
  }
}

/**
 * One batch from the channel to the sink. Resolves `false` if the channel had none before `signal` aborted. Throws what the sink threw,
 * after the events went back.
 */
export async function moveBatch(run: SinkRun, signal: AbortSignal): Promise<boolean> {
  const transaction = await takeFrom(run, signal);
  if (!transaction) return false;
  const { batch } = transaction;
  run.count('EventDrainAttemptCount', batch.size);
  try {
    await run.sink.write(batch, signal);
  } catch (error) {
    if (!(error instanceof RejectedError)) {
      await transaction.rollback();
      if (!isAbort(error)) run.count('EventWriteFail', 1);
      throw error;
    }
    await setRejectedAside(run, batch, error);
  }
  await transaction.commit();
  run.count('EventDrainSuccessCount', batch.size);
  run.count(batch.size < run.sink.batchSize ? 'BatchUnderflowCount' : 'BatchCompleteCount', 1);
  return true;
}

async function takeFrom(run: SinkRun, signal: AbortSignal): Promise<Transaction | undefined> {
  try {
    return await run.channel.take(run.sink.batchSize, signal);
  } catch (error) {
    run.count('ChannelReadFail', 1);
    throw error;
  }
}

async function setRejectedAside(run: SinkRun, batch: Batch, error: RejectedError): Promise<void> {
  run.count('EventRejectedCount', error.indices.length);
  run.log.error('sink rejected events for good; they are set aside', { events: error.indices.length, reason: error.message });
  await run.setAside(batch.select(Uint32Array.from(error.indices)), error.message);
}
