import { hostname } from 'node:os';
import { define } from '../core/define.ts';
import { describeError } from '../core/errors.ts';
import { localHost } from '../core/local-host.ts';
import { boolean, string } from '../core/options.ts';

export const hostInterceptor = define('interceptor', {
  types: ['host', 'org.apache.flume.interceptor.HostInterceptor$Builder'],
  summary: 'Sets a header to the address or the name of the host that the agent runs on.',
  options: {
    hostHeader: string({ default: 'host', doc: 'Header to set.' }),
    useIP: boolean({ default: true, doc: 'Set the address of the host; false: its full name.' }),
    preserveExisting: boolean({ default: false, doc: 'Leave the header alone where an event has it.' }),
  },
  async create({ log }, { hostHeader, useIP, preserveExisting }) {
    const host = await localHost(useIP).catch((error: unknown) => {
      log.warn('address of this host is not known; its header is not set', { host: hostname(), reason: describeError(error) });
      return undefined;
    });
    return { intercept: (batch) => (host === undefined ? batch : batch.withHeader(hostHeader, host, preserveExisting)) };
  },
});
