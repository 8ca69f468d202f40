import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../../core/batch.ts';
import { DocumentError, documentMaker, textOf, type DecodingOptions, type DocumentOptions } from '../../../../sinks/elasticsearch/documents.ts';

const NOW = Date.UTC(2026, 10, 21, 12);

function maker(options: Partial<DocumentOptions & DecodingOptions> = {}) {
  let replaced = 0;
  const make = documentMaker({ form: 'logstash', needsTimestamp: false, ...options });
  const decoding: DecodingOptions = { notUtf8: 'replace', replaced: () => replaced++, ...options };
  const text = (body: string | Buffer, headers: Record<string, string> = {}): string => {
    const map = new Map(Object.entries(headers));
    return make(textOf(Batch.of([{ body: Buffer.from(body), headers: map }]), 0, decoding), map, NOW);
  };
  const parsed = (body: string | Buffer, headers: Record<string, string> = {}): unknown => JSON.parse(text(body, headers));
  return { text, parsed, replaced: () => replaced };
}

const HEADERS = { timestamp: '1700000000123', source: 's', host: 'h', src_path: '/p', type: 't', headerNameOne: 'one', headerNameTwo: 'two' };

test('ES-07 the LogStash document: message, time, the fields of its own, and all headers in @fields', () => {
  assert.deepEqual(maker().parsed('test body', HEADERS), {
    '@message': 'test body',
    '@timestamp': '2023-11-14T22:13:20.123Z',
    '@source': 's',
    '@type': 't',
    '@source_host': 'h',
    '@source_path': '/p',
    '@fields': HEADERS,
  });
});

test('ES-07 a field whose own header is there, or whose header is blank, is not made; without timestamp there is no @timestamp', () => {
  const headers = { '@timestamp': '5', timestamp: '1', '@source': 'x', source: 's', host: '  ' };
  assert.deepEqual(maker().parsed('b', headers), { '@message': 'b', '@fields': headers });
});

test('ES-05 bodies with braces that are no JSON are strings', () => {
  for (const body of ['TEST1 {test}', '{test: TEST2 }', '{"test":{ TEST3 {test} }}', '{"a":1} {"b":2}']) {
    assert.deepEqual(maker().parsed(body), { '@message': body, '@fields': {} });
  }
});

test('ES-06 a JSON body is a part of the document, numbers as they were written', () => {
  const { text } = maker();
  assert.equal(text('{"event":"json content","num":1}'), '{"@message":{"event":"json content","num":1},"@fields":{}}');
  assert.equal(text('{"n":12345678901234567890.10}'), '{"@message":{"n":12345678901234567890.10},"@fields":{}}');
  assert.equal(text(' [1,{"a":2}]'), '{"@message": [1,{"a":2}],"@fields":{}}');
});

test('ES-06 what has its first brace behind the first 20 bytes is a string', () => {
  assert.deepEqual(maker().parsed('[1,2,3,4,5,6,7,8,9,0,{"a":1}]'), { '@message': '[1,2,3,4,5,6,7,8,9,0,{"a":1}]', '@fields': {} });
  assert.deepEqual(maker().parsed('["äääääääää",{"a":1}]'), { '@message': '["äääääääää",{"a":1}]', '@fields': {} });
});

test('ES-08 a body that only looks like JSON beside all the headers', () => {
  assert.equal((maker().parsed('{flume: somethingnotvalid}', HEADERS) as Record<string, unknown>)['@message'], '{flume: somethingnotvalid}');
});

test('ES-09 the dynamic document: body and headers side by side', () => {
  assert.deepEqual(maker({ form: 'dynamic' }).parsed('test body', { a: '1', b: '{"x":2}', c: 'ü' }), { body: 'test body', a: '1', b: { x: 2 }, c: 'ü' });
  assert.deepEqual(maker({ form: 'dynamic' }).parsed('b'), { body: 'b' });
});

test('X6 a document never has two lines, whatever stands in body and headers', () => {
  const hostile = ['a\nb\r\n', '{"a":\n1,\r\n"b":"\\n"}\n', '"}}\n{"delete":{"_index":"x"}}\n', '\u2028\u2029\0\x1f"\\'];
  for (const form of ['logstash', 'dynamic'] as const) {
    for (const body of hostile) {
      const { text } = maker({ form });
      const line = text(body, { [body]: body, timestamp: '1' });
      assert.doesNotMatch(line, /[\r\n]/);
      JSON.parse(line);
    }
  }
});

test('bodies as documents: a JSON object as it stands, on one line; anything else is refused', () => {
  const { text } = maker({ form: 'body' });
  assert.equal(text(' {"a" : 1,\n "b":1.0}\n', { h: 'x' }), '{"a" : 1,  "b":1.0}');
  for (const body of ['', 'x', '[1]', '{"a":1', '{"a":1}{"b":2}', 'null']) assert.throws(() => text(body), DocumentError, body);
});

test('data streams: a document without @timestamp gets that of the header, or the present time', () => {
  const stream = maker({ form: 'body', needsTimestamp: true });
  assert.equal(stream.text('{ }'), '{"@timestamp":"2026-11-21T12:00:00.000Z"}');
  assert.equal(stream.text('{"a":1}', { timestamp: '1000' }), '{"@timestamp":"1970-01-01T00:00:01.000Z","a":1}');
  assert.equal(stream.text('{"@timestamp":5}'), '{"@timestamp":5}');
  const logstash = maker({ needsTimestamp: true });
  assert.equal(logstash.text('b'), '{"@timestamp":"2026-11-21T12:00:00.000Z","@message":"b","@fields":{}}');
  assert.equal(logstash.text('b', { timestamp: '0' }), '{"@message":"b","@timestamp":"1970-01-01T00:00:00.000Z","@fields":{"timestamp":"0"}}');
  assert.match(logstash.text('b', { '@timestamp': '7000' }), /^\{"@timestamp":"1970-01-01T00:00:07.000Z","@message"/);
});

test('a timestamp that is no number is the fault of the event', () => {
  for (const timestamp of ['yesterday', '1e3', '99999999999999999999', ' 5']) assert.throws(() => maker().text('b', { timestamp }), DocumentError, timestamp);
});

test('bodies that are not UTF-8 are replaced and told, read as ISO 8859-1, or refused', () => {
  const body = Buffer.from([0x61, 0xe4, 0x62]);
  const replacing = maker();
  assert.deepEqual((replacing.parsed(body) as Record<string, unknown>)['@message'], 'a\ufffdb');
  assert.equal(replacing.replaced(), 1);
  assert.deepEqual((maker({ notUtf8: 'latin1' }).parsed(body) as Record<string, unknown>)['@message'], 'aäb');
  assert.throws(() => maker({ notUtf8: 'reject' }).text(body), /not UTF-8/);
  assert.equal((maker({ notUtf8: 'reject' }).parsed('\ufffd') as Record<string, unknown>)['@message'], '\ufffd');
});
