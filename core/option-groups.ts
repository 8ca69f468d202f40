/** Options that several types share, written once: helpers for single options, tables to spread, and the checks that go with them. */

import type { Finding } from './define.ts';
import { compileJavaRegex, PatternSyntaxError } from './java-regex.ts';
import { boolean, choice, integer, list, option, optional, string, type Option } from './options.ts';

/** A port to listen on or connect to. Flume takes any number here and fails when it starts, so a bad one is refused. */
export function port(spec: { doc: string; default?: number; min?: number }): Option<number> {
  return integer({ min: 0, max: 65535, outside: 'refuse', ...spec });
}

/** The same option under older names as well; its own name wins. */
export function withAliases<T>(inner: Option<T>, ...aliases: readonly string[]): Option<T> {
  return { ...inner, aliases };
}

/**
 * A number that Flume reads only under a condition (rounding is on, a certain serializer is chosen). Text that is no number comes out
 * as NaN, without a complaint; `check` knows the condition and judges.
 */
export function readIfNeeded(inner: Option<number>): Option<number> {
  return {
    ...inner,
    read: (raw) => {
      const { value, bad } = inner.read(raw);
      return { value: bad === undefined && value !== undefined ? value : Number.NaN };
    },
  };
}

/** What is wrong with a regular expression in Java syntax, completing "value … of regex"; `undefined` if nothing is. */
export function regexFault(source: string): string | undefined {
  try {
    compileJavaRegex(source);
    return undefined;
  } catch (error) {
    if (error instanceof PatternSyntaxError) return `cannot be used: ${error.message}`;
    throw error;
  }
}

/** Text split at each separator as Java does it: empty pieces at the end are left out. */
export function splitLikeJava(text: string, separator: string): readonly string[] {
  const pieces = text.split(separator);
  while (pieces.at(-1) === '') pieces.pop();
  return pieces;
}

/** Protocol and cipher lists: split at single blanks, as Flume does. */
const tlsLists = {
  'include-protocols': list({ default: [], separator: ' ', doc: 'TLS versions to allow, separated by blanks; none named: all.' }),
  'exclude-protocols': list({ default: [], separator: ' ', doc: 'TLS versions to refuse, separated by blanks; SSLv3 always is.' }),
  'include-cipher-suites': list({ default: [], separator: ' ', doc: 'Cipher suites to allow, separated by blanks; none named: all.' }),
  'exclude-cipher-suites': list({ default: [], separator: ' ', doc: 'Cipher suites to refuse, separated by blanks.' }),
};

/** TLS for sources that listen. Spread it, call `checkServerTls` in `check` and `tlsFiles` in `readableFiles`. */
export const serverTls = {
  ssl: boolean({ default: false, doc: 'Accept TLS connections only.' }),
  keystore: optional(string({ doc: 'File with the private key and its certificates; needed with ssl.' })),
  'keystore-password': optional(string({ secret: true, doc: 'Password of the key store and of the key in it; needed with ssl.' })),
  'keystore-type': string({ default: 'JKS', doc: 'Format of the key store: JKS or PKCS12.' }),
  ...tlsLists,
};

interface ServerTlsValues {
  readonly ssl: boolean;
  readonly keystore: string | undefined;
  readonly 'keystore-password': string | undefined;
  readonly 'keystore-type': string;
}

/** Flume opens the key store while it configures the source, and drops the source if that fails. */
export function checkServerTls(values: ServerTlsValues): readonly Finding[] {
  if (!values.ssl) return [];
  const findings: Finding[] = [];
  for (const key of ['keystore', 'keystore-password'] as const) {
    if (values[key] === undefined) findings.push({ option: key, effect: 'drop', sentence: 'is required with ssl = true' });
  }
  const type = values['keystore-type'];
  if (!storeTypes.includes(type.toUpperCase())) {
    findings.push({ option: 'keystore-type', effect: 'drop', sentence: `"${type}" is none of ${storeTypes.join(', ')}` });
  }
  return findings;
}

/** Who has sent the events, by what is seen of the connection: whatever the client says under this name is overwritten. */
export const clientAddress = {
  clientIPHeader: optional(string({ doc: 'Header that gets the address of the client, in place of what the client says under this name. Not in Flume.' })),
};

const storeTypes = ['JKS', 'PKCS12', 'JCEKS'];

/** For `readableFiles` of whoever spreads `serverTls`. */
export function serverTlsFiles(values: { readonly ssl: boolean }): readonly 'keystore'[] {
  return values.ssl ? ['keystore'] : [];
}

/** TLS for sinks that connect; nothing of it is looked at before the first connection. */
export const clientTls = {
  ssl: boolean({ default: false, doc: 'Speak TLS to the receiver.' }),
  truststore: optional(string({ doc: 'File with the certificates to trust; absent: those that the system trusts.' })),
  'truststore-password': optional(string({ secret: true, doc: 'Password of the trust store; absent: its integrity is not checked.' })),
  'truststore-type': string({ default: 'JKS', doc: 'Format of the trust store: JKS or PKCS12.' }),
  ...tlsLists,
};

/** A Kerberos principal and its key tab come together or not at all. */
export function checkKerberos(
  values: Readonly<Record<string, unknown>>,
  principalOption: string,
  keytabOption: string,
): readonly Finding[] {
  const principal = values[principalOption];
  const keytab = values[keytabOption];
  if ((principal === undefined) === (keytab === undefined)) return [];
  const [missing, given] = principal === undefined ? [principalOption, keytabOption] : [keytabOption, principalOption];
  return [{ option: missing, effect: 'drop', sentence: `is required with ${given}` }];
}

/** For `readableFiles`: the key tab, if it will be used. */
export function kerberosFiles<K extends string>(
  values: Readonly<Record<string, unknown>>,
  principalOption: string,
  keytabOption: K,
): readonly K[] {
  return values[principalOption] !== undefined && values[keytabOption] !== undefined ? [keytabOption] : [];
}

/** Unit that times are rounded to; `none` is what an unknown one amounts to. */
export type RoundUnit = 'second' | 'minute' | 'hour' | 'none';

/** An unknown unit switches rounding off in Flume, with a warning. */
export function roundUnit(fallback: RoundUnit): Option<RoundUnit> {
  const units: readonly RoundUnit[] = ['second', 'minute', 'hour'];
  const spec = { doc: 'Unit that event times are rounded down to: second, minute or hour.' };
  return option<RoundUnit>('one of', spec, fallback, units.join(', '), (raw) => {
    const unit = units.find((candidate) => candidate === raw.toLowerCase());
    if (unit) return { value: unit };
    return { value: 'none', bad: { effect: 'warn', sentence: `is none of ${units.join(', ')}; times are not rounded` } };
  });
}

/** Judged by `checkRoundValue`: its range depends on the unit, and Flume may not read it at all. */
export function roundValue(): Option<number> {
  const inner = integer({ default: 1, doc: 'Multiple of the unit that event times are rounded down to: up to 60, for hours up to 24.' });
  return { ...readIfNeeded(inner), allowed: '1 to 60 seconds or minutes, 1 to 24 hours' };
}

/** `read` says whether Flume reads the value: the HDFS sink does only when it rounds. */
export function checkRoundValue(key: string, value: number, unit: RoundUnit, read: boolean): readonly Finding[] {
  if (!read) return Number.isNaN(value) ? [{ option: key, effect: 'warn', sentence: 'is no whole number, and is not used' }] : [];
  if (Number.isNaN(value)) return [{ option: key, effect: 'drop', sentence: 'is not a whole number of 32 bits' }];
  const most = unit === 'hour' ? 24 : 60;
  if (value >= 1 && value <= most) return [];
  return [{ option: key, effect: 'drop', sentence: `${value} is outside of 1 to ${most}` }];
}

/** A deprecated or renamed choice of `deflate` or nothing, which any other text means as well. */
export function compressionType(): Option<'none' | 'deflate'> {
  return choice({
    values: ['none', 'deflate'],
    default: 'none',
    otherwise: 'warn',
    doc: 'Compress the connection, both ways, as one zlib stream; both ends must agree.',
  });
}
