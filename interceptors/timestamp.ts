import { define } from '../core/define.ts';
import { boolean, ignored, string } from '../core/options.ts';

export const timestampInterceptor = define('interceptor', {
  types: ['timestamp', 'org.apache.flume.interceptor.TimestampInterceptor$Builder'],
  summary: 'Sets a header to the time at which the event arrived, in epoch milliseconds.',
  options: {
    headerName: string({ default: 'timestamp', doc: 'Header to set.' }),
    preserveExisting: boolean({ default: false, doc: 'Leave the header alone where an event has it.' }),
    header: ignored({ doc: 'is not read by Flume although its guide names it; the header is set by headerName', instead: 'headerName' }),
  },
  // One time for the events of a batch, which came with one read: Flume's times of such events differ by less than what it takes.
  create: (_, { headerName, preserveExisting }) => ({
    intercept: (batch) => batch.withHeader(headerName, String(Date.now()), preserveExisting),
  }),
});
