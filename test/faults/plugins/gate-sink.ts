import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A destination under the control of a test: while there is no file `gate` it hangs, or fails where `fails` is true; then it takes
 * everything, a line for each event in the file `out`. Each attempt while it is shut leaves a byte in `<gate>.tries`.
 */
export const plugin = ({ define, string, integer, boolean }: typeof import('../../../core/options.ts') & typeof import('../../../core/define.ts')) =>
  define('sink', {
    types: ['gate'],
    summary: 'Takes events once a file is there.',
    options: {
      gate: string({ doc: 'File that opens the gate.' }),
      out: string({ doc: 'File that the bodies go to.' }),
      fails: boolean({ default: false, doc: 'Fail instead of waiting.' }),
      batchSize: integer({ default: 100, min: 1, doc: 'Most events taken at a time.' }),
    },
    create: (_context, { gate, out, fails, batchSize }) => ({
      batchSize,
      async start() {},
      async stop() {},
      async write(batch, signal) {
        if (!existsSync(gate)) appendFileSync(`${gate}.tries`, '.');
        while (!existsSync(gate)) {
          if (fails) throw new Error('the gate is shut');
          await sleep(20, undefined, { signal });
        }
        const bodies = Array.from({ length: batch.size }, (_, index) => `${batch.body(index).toString('latin1')}\n`);
        appendFileSync(out, bodies.join(''), 'latin1');
      },
    }),
  });
