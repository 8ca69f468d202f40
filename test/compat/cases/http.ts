/** The http source: what is answered, and which events come out. */

import type { Chain, CompatCase, Observation } from '../side-by-side.ts';
import type { Site } from '../site.ts';

type Options = Readonly<Record<string, string>>;

function listening(options: Options = {}, channel: Options = { capacity: '1000', transactionCapacity: '1000' }): Chain {
  return { r1: { type: 'http', bind: '127.0.0.1', port: '@PORT@', ...options }, c1: channel, k1: {} };
}

interface Request {
  readonly method?: string;
  readonly path?: string;
  readonly type?: string;
  readonly body: string | Buffer;
}

/** The status of one request, and the start of the reason where there is one. */
async function ask(site: Site, { method = 'POST', path = '/', type = 'application/json', body }: Request): Promise<string> {
  const bytes = Buffer.from(body);
  const head = [`${method} ${path} HTTP/1.1`, 'Host: x', 'Connection: close', ...(type === '' ? [] : [`Content-Type: ${type}`]), `Content-Length: ${bytes.length}`, '', ''].join('\r\n');
  const { replies } = await site.talk([Buffer.concat([Buffer.from(head), bytes])], () => false);
  return /^HTTP\/1\.1 (\d+)/.exec(replies)?.[1] ?? replies;
}

async function statuses(site: Site, requests: readonly Request[]): Promise<string> {
  const found: string[] = [];
  for (const request of requests) found.push(await ask(site, request));
  return found.join(' ');
}

const LAST: Request = { body: '[{"body":"END OF CASE"}]' };

/** Statuses of the requests, and all events up to the last, which says that nothing else follows. */
async function through(site: Site, requests: readonly Request[], last = LAST): Promise<Observation> {
  const answers = await statuses(site, [...requests, last]);
  return { answers, events: await site.written((text) => text.includes('END OF CASE')) };
}

const json = (text: string, type?: string): Request => ({ body: text, ...(type !== undefined && { type }) });
const CORE = 'org.apache.flume.source.http.BLOBHandler';

export const httpCases: readonly CompatCase[] = [
  { name: 'HT-01 HT-07 HT-19 events in JSON', chain: listening(), run: (site) => through(site, [json('[{"headers":{"a": "b"},"body": "random_body"},{"headers":{"e": "f"},"body": "random_body2"}]'), json('[{"body":"one"}]'), json('[]')]) },
  { name: 'HT-02 HT-26 HT-27 methods of HTTP', chain: listening(), run: (site) => through(site, ['GET', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'PATCH'].map((method) => ({ method, body: '[{"body":"by method"}]' }))) },
  { name: 'HT-03 HT-05 UTF-16 and UTF-8', chain: listening(), run: (site) => through(site, [{ type: 'application/json; charset=utf-16', body: Buffer.from('\ufeff[{"headers":{"h":"é"},"body":"é"}]', 'utf16le').swap16() }, json('[{"body":"é"}]', 'text/json; charset=UTF-8')]) },
  { name: 'HT-04 HT-18 broken JSON', chain: listening(), run: (site) => through(site, ['[{"a": "b",["d":"e"],"body": "x"}]', '{["a": "b"],"body": "x"}', '{"body":"x"}', '[{"body":"x"}', '[{"body":{}}]', '[{"headers":{"a":[]}}]', '[{"headers":{"a":"b","a":"c"}}]', '[{"body":"x"}] y', '[1]'].map((text) => json(text))) },
  { name: 'HT-17 bodies that are missing, quoted, or HTML', chain: listening(), run: (site) => through(site, [json('[{"headers":{"a":"b"}},{"body":"rand\\"om_body2"},{"body":"<html><body>test</body></html>"},{"body":null},{"headers":null,"x":{"y":[1,{}]}},{"body":"a","body":"b"}]')]) },
  { name: 'HT-23 numbers and truth values', chain: listening(), run: (site) => through(site, [json('[{"headers":{"n":1},"body":12},{"headers":{"f":1.50},"body":true},{"headers":{"b":TRUE},"body":-1e5}]')]) },
  { name: 'JSON that is taken leniently', chain: listening(), run: (site) => through(site, [json("[{'headers': {a: 'b'}, body: bare_word}, // c\n # d\n /* e */ {\"body\" = 'x'; 'z': 1}]"), json('[{"body":"\\u00e9\\ud83d\\ude18\\t\\/x"}]')]) },
  { name: 'HT-25 text with a type of JSON', chain: listening(), run: (site) => through(site, [json('[{"body":"é"}]'), json('[{"body":"é"}]', 'TEXT/JSON')]) },
  {
    name: 'HT-24 text without a character set',
    chain: listening(),
    differs: { why: 'Flume reads it as ISO-8859-1 and writes UTF-8; Millrace reads UTF-8', millrace: { events: '{} \u00c3\u00a9\n{} \u00c3\u00a9\n{} END OF CASE\n' } },
    run: (site) => through(site, [json('[{"body":"é"}]', ''), json('[{"body":"é"}]', 'application/json;foo=bar')]),
  },
  {
    name: 'HT-12 HT-22 requests without events, and other character sets',
    chain: listening(),
    differs: { why: 'Flume answers 500 although the client is at fault', millrace: { answers: '400 400 400 400 200 200' } },
    run: (site) => through(site, [json(''), json('null'), json('[null]'), json('[]', 'application/json; charset=ISO-8859-1'), json('[]')]),
  },
  {
    name: 'HT-10 more events than a channel takes',
    chain: listening({}, { capacity: '100', transactionCapacity: '100', 'keep-alive': '0' }),
    differs: { why: 'repeating it cannot help: 413 in place of 503', millrace: { answers: '413 200' } },
    run: (site) => through(site, [json(`[${Array.from({ length: 150 }, () => '{"body":"x"}').join()}]`)]),
  },
  { name: 'HT-20 BLOBHandler', chain: listening({ handler: CORE, 'handler.mandatoryParameters': 'p' }), run: (site) => through(site, [{ path: '/?p=1', type: '', body: 'a,b,c' }, { path: '/x?p=v%20w&p=second', type: 'text/plain', body: '' }], { path: '/?p=2', body: 'END OF CASE' }) },
  {
    name: 'HT-21 BLOBHandler without a mandatory parameter',
    chain: listening({ handler: CORE, 'handler.mandatoryParameters': 'p' }),
    differs: { why: 'the client is at fault: 400 in place of 500', millrace: { answers: '400 200' } },
    run: (site) => through(site, [{ path: '/?q=1', body: 'x' }], { path: '/?p=2', body: 'END OF CASE' }),
  },
  { name: 'BlobHandler of the morphline package', complete: true, chain: listening({ handler: 'org.apache.flume.sink.solr.morphline.BlobHandler', 'handler.maxBlobLength': '11' }), run: (site) => through(site, [{ path: '/?a=b', type: 'text/plain', body: '0123456789ABCDEF' }, { type: '', body: '' }], { type: '', body: 'END OF CASE' }) },
];
