import type { Batch } from '../core/batch.ts';
import { define } from '../core/define.ts';
import { boolean, string } from '../core/options.ts';
import { withEventHeaders } from './header-rows.ts';

const UUID_BYTES = 16;

export const uuidInterceptor = define('interceptor', {
  types: ['uuid', 'org.apache.flume.sink.solr.morphline.UUIDInterceptor$Builder'],
  summary: 'Sets a header to a random UUID (version 4), one for each event.',
  options: {
    headerName: string({ default: 'id', doc: 'Header to set.' }),
    preserveExisting: boolean({ default: true, doc: 'Leave the header alone where an event has it.' }),
    prefix: string({ default: '', doc: 'Put in front of the UUID.' }),
  },
  create: (_, { headerName, preserveExisting, prefix }) => ({
    intercept(batch: Batch) {
      // Drawn once, so that an event keeps its UUID; spelled out only for whoever asks.
      const random = process.getBuiltinModule('node:crypto').randomFillSync(Buffer.allocUnsafeSlow(batch.size * UUID_BYTES));
      const uuids = new Map([[headerName, (index: number) => prefix + uuidAt(random, index * UUID_BYTES)]]);
      return withEventHeaders(batch, uuids, preserveExisting);
    },
  }),
});

/** The 16 random bytes at `at` as a UUID of version 4, variant 1 (RFC 9562, section 5.4), in lower case. */
function uuidAt(random: Buffer, at: number): string {
  const digits = random.toString('hex', at, at + UUID_BYTES);
  const variant = '89ab'[(random[at + 8] as number) >> 6] as string;
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20)}`;
}
