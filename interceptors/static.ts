import { define } from '../core/define.ts';
import { boolean, string } from '../core/options.ts';

export const staticInterceptor = define('interceptor', {
  types: ['static', 'org.apache.flume.interceptor.StaticInterceptor$Builder'],
  summary: 'Sets a header to the same value for every event.',
  options: {
    key: string({ default: 'key', doc: 'Header to set.' }),
    value: string({ default: 'value', doc: 'Its value.' }),
    preserveExisting: boolean({ default: true, doc: 'Leave the header alone where an event has it.' }),
  },
  create: (_, { key, value, preserveExisting }) => ({ intercept: (batch) => batch.withHeader(key, value, preserveExisting) }),
});
