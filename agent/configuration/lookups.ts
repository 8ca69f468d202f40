/** What stands behind the prefixes of `${prefix:name}` (part 1 §1.3). */
import { Buffer } from 'node:buffer';
import { hostname, networkInterfaces, availableParallelism } from 'node:os';
import { InterpolationError, type Found } from './interpolation.ts';
import type { Rules } from '../plan/types.ts';

export interface LookupContext {
  readonly rules: Rules;
  readonly env: ReadonlyMap<string, string>;
  readonly systemProperties: ReadonlyMap<string, string>;
  /** The text of a file, or undefined without one; for the `file` and `properties` look-ups. */
  readText(path: string): string | undefined;
  /** The properties of a text, for the `properties` look-up. */
  parse(text: string): ReadonlyMap<string, string>;
  formatDate(pattern: string): string;
}

export type Lookups = ReadonlyMap<string, (name: string) => Found | undefined>;

/** `sys`, `env`, `java` and `date`: those that Flume 1.11 has without a look-ups file. */
export function builtInLookups(context: LookupContext): Lookups {
  return new Map(['sys', 'env', 'java', 'date'].map((prefix) => [prefix, makers[prefix]!(context)]));
}

/** `DefaultStringLookup` names of Commons Text, by their Flume spelling in a look-ups file. */
const ENUM_NAMES: Readonly<Record<string, string>> = {
  BASE64_DECODER: 'base64Decoder',
  BASE64_ENCODER: 'base64Encoder',
  CONST: 'const',
  DATE: 'date',
  DNS: 'dns',
  ENVIRONMENT: 'env',
  FILE: 'file',
  JAVA: 'java',
  LOCAL_HOST: 'localhost',
  PROPERTIES: 'properties',
  RESOURCE_BUNDLE: 'resourceBundle',
  SCRIPT: 'script',
  SYSTEM_PROPERTIES: 'sys',
  URL: 'url',
  URL_DECODER: 'urlDecoder',
  URL_ENCODER: 'urlEncoder',
  XML: 'xml',
};

const ENUM_PREFIX = 'org.apache.commons.text.lookup.DefaultStringLookup.';

export interface LookupsFile {
  readonly lookups: Lookups;
  /** Entries that cannot be had, with the reason. */
  readonly refused: readonly { readonly prefix: string; readonly reason: string }[];
}

/** The look-ups that the entries `prefix = class` of a look-ups file name; the four built-in ones are not added. */
export function lookupsFrom(entries: Iterable<readonly [string, string]>, context: LookupContext): LookupsFile {
  const lookups = new Map<string, (name: string) => Found | undefined>();
  const refused: { prefix: string; reason: string }[] = [];
  for (const [prefix, className] of entries) {
    const name = className.startsWith(ENUM_PREFIX) ? ENUM_NAMES[className.slice(ENUM_PREFIX.length)] : undefined;
    const maker = name === undefined ? undefined : makers[name];
    if (maker) lookups.set(prefix.toLowerCase(), maker(context));
    else if (name === undefined) refused.push({ prefix, reason: `"${className}" is a Java class, or no look-up at all` });
    else refused.push({ prefix, reason: `the look-up ${className.slice(ENUM_PREFIX.length)} runs code or opens connections, or needs a JVM` });
  }
  return { lookups, refused };
}

type Maker = (context: LookupContext) => (name: string) => Found | undefined;

/** `rescan: false` keeps what comes from outside as plain data by our own rules; Flume scans it for further expressions. */
const makers: Readonly<Record<string, Maker | undefined>> = {
  sys: ({ systemProperties }) => (name) => found(systemProperties.get(name)),
  env:
    ({ env, rules }) =>
    (name) => {
      const value = env.get(name);
      return value === undefined ? undefined : { value, rescan: rules === 'flume', secret: true };
    },
  java: (context) => (name) => found(platform(context, name)),
  date: (context) => (pattern) => {
    try {
      return found(context.formatDate(pattern));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new InterpolationError(`date:${pattern}`, `"${pattern}" is no date pattern: ${reason}`);
    }
  },
  base64Decoder: (context) => (name) => outside(context, Buffer.from(name, 'base64').toString('latin1')),
  base64Encoder: () => (name) => found(Buffer.from(name, 'latin1').toString('base64')),
  file: (context) => (name) => {
    const colon = name.indexOf(':');
    if (colon < 0) throw new InterpolationError(`file:${name}`, 'the file look-up needs a character set and a path: ${file:UTF-8:/path}');
    return outside(context, context.readText(name.slice(colon + 1)), `file:${name}`);
  },
  localhost: () => (name) => {
    if (name === 'name' || name === 'canonical-name') return found(hostname());
    if (name === 'address') return found(firstAddress());
    throw new InterpolationError(`localhost:${name}`, `"${name}" is none of name, canonical-name and address`);
  },
  properties: (context) => (name) => {
    const [path = '', key] = name.split('::', 2);
    if (key === undefined) throw new InterpolationError(`properties:${name}`, 'the properties look-up needs a file and a key: ${properties:file::key}');
    const text = context.readText(path);
    return text === undefined ? outside(context, undefined, `properties:${name}`) : outside(context, context.parse(text).get(key));
  },
  urlDecoder: (context) => (name) => outside(context, decodeURIComponent(name.replaceAll('+', ' '))),
  urlEncoder: () => (name) => found(encodeURIComponent(name).replaceAll('%20', '+')),
};

function found(value: string | undefined): Found | undefined {
  return value === undefined ? undefined : { value, rescan: true, secret: false };
}

function outside({ rules }: LookupContext, value: string | undefined, missing?: string): Found | undefined {
  if (value === undefined && missing !== undefined) throw new InterpolationError(missing, `"${missing}" cannot be read`);
  return value === undefined ? undefined : { value, rescan: rules === 'flume', secret: true };
}

function platform({ systemProperties }: LookupContext, name: string): string {
  const property = (key: string): string => systemProperties.get(key) ?? '';
  switch (name) {
    case 'version':
      return `Java version ${property('java.version')}`;
    case 'runtime':
      return `${property('java.runtime.name')} (build ${property('java.runtime.version')}) from ${property('java.vendor')}`;
    case 'vm':
      return `${property('java.vm.name')} (build ${property('java.vm.version')}, ${property('java.vm.info')})`;
    case 'os':
      return `${property('os.name')} ${property('os.version')}, architecture: ${property('os.arch')}`;
    case 'hardware':
      return `processors: ${availableParallelism()}, architecture: ${property('os.arch')}`;
    case 'locale':
      return `default locale: ${property('user.language')}_${property('user.country')}, platform encoding: ${property('file.encoding')}`;
    default:
      throw new InterpolationError(`java:${name}`, `"${name}" is none of version, runtime, vm, os, hardware and locale`);
  }
}

function firstAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
