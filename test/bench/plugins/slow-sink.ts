import { setTimeout as sleep } from 'node:timers/promises';

/** A sink that takes `eventsPerSecond`, and forgets them. */
export const plugin = ({ define, integer }: typeof import('../../../core/options.ts') & typeof import('../../../core/define.ts')) =>
  define('sink', {
    types: ['slow'],
    summary: 'Takes a fixed number of events per second.',
    options: { eventsPerSecond: integer({ default: 100_000, min: 1, doc: 'Events taken per second.' }) },
    create: (_context, { eventsPerSecond }) => {
      let due = performance.now();
      return {
        batchSize: 1000,
        async start() {},
        async stop() {},
        async write(batch, signal) {
          due = Math.max(due, performance.now() - 100) + (batch.size / eventsPerSecond) * 1000;
          const waitMs = due - performance.now();
          if (waitMs > 2) await sleep(waitMs, undefined, { signal });
        },
      };
    },
  });
