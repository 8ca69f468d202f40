import type { Finding } from '../core/define.ts';
import { optional, prefix, string } from '../core/options.ts';

const fields = ['priority', 'version', 'timestamp', 'hostname'];
const whole = ['none', 'false', 'all', 'true'];

/** What the three syslog sources have in common. */
export const syslogOptions = {
  keepFields: string({
    default: 'none',
    bad: 'warn',
    check: (value) => {
      const text = value.toLowerCase();
      if (whole.includes(text) || fields.some((field) => text.includes(field))) return undefined;
      return `names none of ${fields.join(', ')}, and is neither all nor none; nothing is kept`;
    },
    doc: 'Parts of the record to leave in the body: none, all, or some of priority, version, timestamp and hostname.',
  }),
  clientIPHeader: optional(string({ doc: 'Header to put the address of the sender into.' })),
  clientHostnameHeader: optional(string({ doc: 'Header to put the host name of the sender into, looked up by its address.' })),
};

/** Of a source that speaks TLS. */
export function keyStoreOf(values: { readonly ssl: boolean; readonly keystore: string | undefined; readonly 'keystore-password': string | undefined }): { readonly path: string; readonly password: string | undefined } | undefined {
  const { ssl, keystore } = values;
  return ssl && keystore !== undefined ? { path: keystore, password: values['keystore-password'] } : undefined;
}

/** A record pattern of one's own, of `syslogtcp` and `syslogudp`. */
export const syslogFormat = {
  'format.*': prefix({
    doc: 'A record pattern tried ahead of the built-in ones: regex (five groups), dateFormat, search and replace.',
  }),
};

/** Flume documents them nowhere, and nobody was found who uses them. */
export function checkFormat(format: ReadonlyMap<string, string>): readonly Finding[] {
  const [name] = format.keys();
  if (name === undefined) return [];
  return [{ option: `format.${name}`, effect: 'refuse', sentence: 'is a record pattern of your own, which Millrace does not have yet; take the parts out of the body with a regex_extractor interceptor' }];
}
