import { Batch } from '../../../core/batch.ts';
import type { LogFacts, Logger } from '../../../core/log.ts';

export interface FakeLog extends Logger {
  readonly lines: { level: string; sentence: string; facts: LogFacts }[];
}

export function fakeLog(): FakeLog {
  const lines: FakeLog['lines'] = [];
  const at = (level: string) => (sentence: string, facts: LogFacts = {}) => void lines.push({ level, sentence, facts });
  return {
    lines,
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    event: (line) => void lines.push({ level: 'event', sentence: line, facts: {} }),
    ready: async () => undefined,
  };
}

export function batchOf(...bodies: string[]): Batch {
  return Batch.of(bodies.map((body) => ({ body: Buffer.from(body), headers: new Map() })));
}

export function bodiesOf(batch: Batch): string[] {
  return [...batch].map(({ body }) => body.toString());
}

/** Takes everything a channel holds, and commits. */
export async function drain(channel: { take(max: number, signal: AbortSignal): Promise<{ batch: Batch; commit(): Promise<void> } | undefined>; status(): { size: number } }): Promise<string[]> {
  const all: string[] = [];
  while (channel.status().size > 0) {
    const transaction = await channel.take(1000, new AbortController().signal);
    if (!transaction) break;
    all.push(...bodiesOf(transaction.batch));
    await transaction.commit();
  }
  return all;
}
