/** Interceptors, seen through the headers and bodies that reach a file. */

import type { Chain, CompatCase, Observation } from '../side-by-side.ts';
import type { Site } from '../site.ts';

type Options = Readonly<Record<string, string>>;

const passThrough = 'org.apache.flume.interceptor.RegexExtractorInterceptorPassThroughSerializer';
const millis = 'org.apache.flume.interceptor.RegexExtractorInterceptorMillisSerializer';

/** A netcat source with the interceptors i1, i2 … in this order. */
function intercepted(...interceptors: readonly Options[]): Chain {
  return { r1: { type: 'netcat', bind: '127.0.0.1', port: '@PORT@', ...properties(interceptors) }, c1: {}, k1: {} };
}

/** As `intercepted`, with the bytes of a command as bodies. */
function interceptedBytes(command: string, ...interceptors: readonly Options[]): Chain {
  return { r1: { type: 'netcatudp', bind: '127.0.0.1', port: '@PORT@', remoteAddress: 'ra', ...properties(interceptors) }, c1: {}, k1: { 'sink.serializer': command } };
}

function properties(interceptors: readonly Options[]): Record<string, string> {
  const all: Record<string, string> = { interceptors: interceptors.map((_, index) => `i${index + 1}`).join(' ') };
  interceptors.forEach((options, index) => {
    for (const [key, value] of Object.entries(options)) {
      all[`interceptors.i${index + 1}.${key}`] = value;
    }
  });
  return all;
}

/** Every line is acknowledged, dropped or not; then the events that were kept are as many as the channel was given. */
async function events(site: Site, lines: readonly string[]): Promise<Observation> {
  const { replies } = await site.talk(lines.map((line) => `${line}\n`), (text) => text.split('\n').length > lines.length);
  const counters = await site.metrics('CHANNEL.c1', (now) => now['EventPutSuccessCount'] === now['EventTakeSuccessCount']);
  const kept = Number(counters['EventPutSuccessCount']);
  return { replies, kept, events: await site.written((text) => text.split('\n').length > kept) };
}

async function bytes(site: Site, pieces: readonly Buffer[]): Promise<Observation> {
  await site.datagrams(pieces);
  return { events: await site.written((text) => text.split('\n').length > pieces.length) };
}

const fixed = (key: string, value: string, options: Options = {}): Options => ({ type: 'static', key, value, ...options });

function one(name: string, interceptors: readonly Options[], lines: readonly string[]): CompatCase {
  return { name, chain: intercepted(...interceptors), run: (site) => events(site, lines) };
}

export const interceptorCases: readonly CompatCase[] = [
  one('C7.1 timestamp sets a header', [{ type: 'timestamp' }], ['a', 'b']),
  one('C7.1 timestamp replaces an existing header', [fixed('timestamp', '1'), { type: 'timestamp' }], ['a']),
  one('C7.1 timestamp keeps an existing header', [fixed('timestamp', '1'), { type: 'timestamp', preserveExisting: 'true' }], ['a']),
  one('C7.1 timestamp under another name', [{ type: 'TIMESTAMP', headerName: 'when', header: 'ignored' }], ['a']),
  { ...one('C7.2 host sets the address', [{ type: 'host' }], ['a']), machine: true },
  { ...one('C7.2 host sets the canonical name', [{ type: 'host', useIP: 'false', hostHeader: 'h' }], ['a']), machine: true },
  one('C7.2 host keeps an existing header', [fixed('host', 'original'), { type: 'host', preserveExisting: 'true' }], ['a']),
  { ...one('C7.2 host replaces an existing header', [fixed('host', 'original'), { type: 'host' }], ['a']), machine: true },
  one('C7.3 static has defaults', [{ type: 'static' }], ['a']),
  one('C7.3 static keeps an existing header by default', [fixed('k', 'first'), fixed('k', 'second')], ['a']),
  one('C7.3 static replaces an existing header', [fixed('k', 'first'), fixed('k', 'second', { preserveExisting: 'false' })], ['a']),
  one('C7.3 static with odd text', [fixed('a key=1,', 'x, y={z} # no comment'), fixed('\u00e9', '\u65e5\u672c')], ['a']),
  one('C7.4 regex_filter passes everything by default', [{ type: 'regex_filter' }], ['test', '']),
  one('C7.4 regex_filter keeps what matches anywhere', [{ type: 'regex_filter', regex: '(INFO.*)|(WARNING.*)' }], ['INFO: some message', 'x WARNING: some message', 'DEBUG: some message']),
  one('C7.4 regex_filter drops what matches', [{ type: 'regex_filter', regex: '.*DEBUG.*', excludeEvents: 'true' }], ['this message has DEBUG in it', 'this has not', '']),
  one('C7.24 regex_filter: $ matches before a final CR', [{ type: 'regex_filter', regex: 'foo$' }], ['foo', 'foo\r', 'foox', 'foo ']),
  one('C7.24 regex_filter: (?i) folds ASCII only', [{ type: 'regex_filter', regex: '(?i)caf\u00e9' }], ['CAF\u00e9', 'caf\u00e9', 'CAF\u00c9']),
  one('C7.24 regex_filter: possessive, classes, quotation', [{ type: 'regex_filter', regex: '^(?:\\d++|[a-z&&[^aeiou]]+|\\Qa.b\\E|\\p{Upper}{2})$' }], ['123', 'xyz', 'abc', 'a.b', 'aXb', 'AB', 'ABC']),
  one('C7.24 regex_filter: \\s and \\w are ASCII', [{ type: 'regex_filter', regex: '^\\w\\s\\w$' }], ['a b', 'a\u00a0b', '\u00e9 b']),
  one('C7.5 search_replace removes a prefix', [{ type: 'search_replace', searchPattern: '^prefix' }], ['prefix non-prefix suffix', 'no prefix']),
  one('C7.6 search_replace strips a priority', [{ type: 'search_replace', searchPattern: '^<[0-9]+>' }], ['<13>message', 'x<13>']),
  one('C7.7 search_replace with groups', [{ type: 'search_replace', searchPattern: 'The quick brown ([a-z]+) jumped over the lazy ([a-z]+).', replaceString: 'The hungry $2 ate the careless $1.' }], ['The quick brown fox jumped over the lazy dog.']),
  one('C7.23 search_replace: a group that took no part, named groups, escapes', [
    { type: 'search_replace', searchPattern: '(?<first>a)(b)?', replaceString: '[$1$2${first}\\$\\n$10]' },
  ], ['a ab', 'none']),
  one('search_replace replaces every match', [{ type: 'search_replace', searchPattern: '[^A-Za-z0-9 ]', replaceString: '_' }], ['a-b/c \u00e9 \u{1f600}', '']),
  one('search_replace matches the empty text', [{ type: 'search_replace', searchPattern: 'x*', replaceString: '-' }], ['axxb', '']),
  {
    name: 'C7.23 search_replace makes invalid bytes replacement characters, matched or not',
    chain: interceptedBytes('TEXT', { type: 'search_replace', searchPattern: 'nothing', replaceString: 'x' }),
    run: (site) => bytes(site, [Buffer.from([0xff, 0x41, 0xc3]), Buffer.from([0xe2, 0x82]), Buffer.from([0xf0, 0x9f, 0x98, 0x80, 0xc0, 0xaf]), Buffer.from([0xed, 0xa0, 0x80, 0x7a])]),
  },
  {
    name: 'search_replace in ISO-8859-1',
    chain: interceptedBytes('TEXT', { type: 'search_replace', searchPattern: '\u00e9', replaceString: 'e', charset: 'ISO-8859-1' }),
    run: (site) => bytes(site, [Buffer.from([0x63, 0xe9, 0x64, 0xff]), Buffer.from([0x41])]),
  },
  one('C7.11 regex_extractor makes headers of groups', [{ type: 'regex_extractor', regex: '(\\d):(\\d):(\\d)', serializers: 's1 s2 s3', 'serializers.s1.name': 'one', 'serializers.s2.name': 'two', 'serializers.s3.name': 'three' }], ['1:2:3.4foobar5', 'no match', '7:8:9 1:2:3']),
  one('C7.12 regex_extractor with fewer serializers than groups', [{ type: 'regex_extractor', regex: '^(\\d+-\\d+-\\d+ \\d+:\\d+)(:.*)', serializers: 's1', 'serializers.s1.name': 'when' }], ['2012-10-17 14:34:44,338']),
  one('C7.13 C7.16 regex_extractor with times', [
    { type: 'regex_extractor', regex: '^(\\d+-\\d+-\\d+ \\d+:\\d+)(:.*)', serializers: 's1 s2', 'serializers.s1.name': 'timestamp', 'serializers.s1.type': millis, 'serializers.s1.pattern': 'yyyy-MM-dd HH:mm', 'serializers.s2.name': 'rest', 'serializers.s2.type': passThrough },
  ], ['2012-10-17 14:34:00,000', '2011-02-28 03:04:59,1']),
  one('C7.13 regex_extractor with a time of text and zone', [
    { type: 'regex_extractor', regex: '\\[(.*?)\\]', serializers: 's1', 'serializers.s1.name': 'at', 'serializers.s1.type': millis, 'serializers.s1.pattern': 'dd/MMM/yyyy:HH:mm:ss Z' },
  ], ['x [10/Oct/2010:13:55:36 -0700] y']),
  one('C7.17 remove_header by name', [fixed('a', '1'), fixed('b', '2'), { type: 'remove_header', withName: 'a' }], ['x']),
  one('C7.17 remove_header by list', [fixed('a', '1'), fixed('b', '2'), fixed('c', '3'), { type: 'remove_header', fromList: 'a , c' }], ['x']),
  one('C7.17 remove_header by list with its own separator', [fixed('a', '1'), fixed('b', '2'), fixed('c', '3'), { type: 'remove_header', fromList: 'a;c', fromListSeparator: ';' }], ['x']),
  one('C7.17 remove_header by pattern over the whole name', [fixed('my-1', '1'), fixed('my-12', '2'), fixed('x-my-1', '3'), { type: 'remove_header', matching: 'my-1.*' }], ['x']),
  one('C7.17 remove_header by all at once', [fixed('a', '1'), fixed('b', '2'), fixed('cc', '3'), fixed('d', '4'), { type: 'remove_header', withName: 'a', fromList: 'b', matching: 'c+' }], ['x']),
  one('interceptors run in the order of the list, one of them twice', [
    { type: 'search_replace', searchPattern: 'b', replaceString: 'c' },
    { type: 'search_replace', searchPattern: 'a', replaceString: 'b' },
    { type: 'regex_filter', regex: 'drop', excludeEvents: 'true' },
  ], ['abc', 'drop me', 'drap']),
  {
    name: 'C7.18 uuid sets a header, keeps one, has a prefix',
    chain: intercepted(
      { type: 'org.apache.flume.sink.solr.morphline.UUIDInterceptor$Builder' },
      fixed('kept', 'foo'),
      { type: 'org.apache.flume.sink.solr.morphline.UUIDInterceptor$Builder', headerName: 'kept' },
      { type: 'org.apache.flume.sink.solr.morphline.UUIDInterceptor$Builder', headerName: 'prefixed', prefix: 'bar#', preserveExisting: 'false' },
    ),
    complete: true,
    run: (site) => events(site, ['a']),
  },
];
