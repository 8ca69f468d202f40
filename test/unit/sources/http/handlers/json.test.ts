import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Batch } from '../../../../../core/batch.ts';
import type { HttpHandler, HttpRequest } from '../../../../../core/component.ts';
import { BadRequestError } from '../../../../../core/errors.ts';
import { jsonHandler } from '../../../../../sources/http/handlers/json.ts';
import { create, FakeContext } from '../../../../conformance/fakes.ts';

async function read(body: string | Buffer, contentType: string | undefined = 'application/json', headers: Record<string, string> = {}): Promise<Batch> {
  const handler: HttpHandler = await create(jsonHandler, {}, new FakeContext());
  const request: HttpRequest = { body: Buffer.from(body), contentType, parameters: new Map(), headers: new Map(Object.entries(headers)) };
  return handler.handle(request);
}

function eventsOf(batch: Batch): readonly (readonly [Record<string, string>, string])[] {
  return [...batch].map(({ headers, body }) => [Object.fromEntries(headers), body.toString()]);
}

async function refused(body: string | Buffer, contentType?: string, headers?: Record<string, string>): Promise<BadRequestError> {
  try {
    await read(body, contentType, headers);
  } catch (error) {
    assert.ok(error instanceof BadRequestError, String(error));
    return error;
  }
  throw new Error(`taken: ${body.toString().slice(0, 100)}`);
}

test('HT-01 HT-07 HT-19 events with their headers', async () => {
  const batch = await read('[{"headers":{"a": "b"},"body": "random_body"},{"headers":{"e": "f", "g": "h"},"body": "random_body2"}]');
  assert.deepEqual(eventsOf(batch), [[{ a: 'b' }, 'random_body'], [{ e: 'f', g: 'h' }, 'random_body2']]);
  assert.deepEqual(eventsOf(await read('[{"body":"one"}]')), [[{}, 'one']]);
});

test('HT-03 HT-05 bodies are in the character set of the request', async () => {
  const text = '[{"headers":{"é":"日本😘"},"body":"é日😘"},{"body":"x"}]';
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
  for (const bytes of [utf16, Buffer.from(utf16).swap16(), Buffer.from(text, 'utf16le').swap16()]) {
    const batch = await read(bytes, 'application/json; charset=UTF-16');
    assert.deepEqual(batch.body(0), Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from('é日😘', 'utf16le').swap16()]));
    assert.equal(batch.header(0, 'é'), '日本😘');
  }
  const points = Array.from(text, (char) => char.codePointAt(0) ?? 0);
  const utf32 = Buffer.alloc(4 * points.length);
  points.forEach((point, index) => utf32.writeUInt32BE(point, 4 * index));
  const batch = await read(utf32, 'application/json;charset="utf-32"');
  assert.deepEqual(batch.body(1), Buffer.from([0, 0, 0, 0x78]));
  assert.equal(batch.header(0, 'é'), '日本😘');
  assert.deepEqual(eventsOf(await read(text, 'application/json; charset=utf-8'))[0], [{ 'é': '日本😘' }, 'é日😘']);
});

test('HT-04 HT-18 N9 what is no array of events is refused whole, with the place', async () => {
  const wrong = [
    '[{"a": "b",["d":"e"],"body": "random_body"},{"e": "f","body": "random_body2"}]', '{["a": "b"],"body": "random_body"}', '[{"body":"a"}', '[{"body":"a"},]', '[{"body":"a"} {"body":"b"}]',
    '[{"body":"a"}] x', '[{"body":"a}]', '[{"body":{}}]', '[{"body":[1]}]', '[{"headers":{"a":{}}}]', '[{"headers":[]}]', '[{"headers":"x"}]', '[{"headers":{"a":"b","a":"c"}}]', '[{"body":"\\x"}]', '[{"body":"\\u12"}]',
    '[{"body"}]', '[{"body":}]', '[1]', '["text"]', '[{', '[{"a"', '[{"a":', '[{"a":[}]', '[/* {}]', 'text', '[{"body":"a",}]',
  ];
  for (const text of wrong) assert.match((await refused(text)).message, /^Request has invalid JSON Syntax\. At byte \d+: /, text);
});

test('HT-12 other character sets and content encodings are refused', async () => {
  assert.match((await refused('[]', 'application/json; charset=ISO-8859-1')).message, /iso-8859-1 is none of/);
  assert.equal((await refused('[]', 'application/json', { 'content-encoding': 'gzip' })).status, 415);
});

test('HT-17 bodies that are missing, quoted, or HTML', async () => {
  const batch = await read('[{"headers":{"a":"b"}},{"body":"rand\\"om_body2"},{"body":"<html><body>test</body></html>"},{"body":null},{"headers":null,"other":{"x":[1,{"y":"]"}]}}]');
  assert.deepEqual([...batch].map(({ body }) => body.toString()), ['', 'rand"om_body2', '<html><body>test</body></html>', '', '']);
});

test('HT-22 an empty body, null and null elements are refused, an empty array is not', async () => {
  for (const text of ['', '  ', 'null', '[null]', '[{},null]', '{"body":"x"}']) assert.equal((await refused(text)).status, 400);
  assert.equal((await read('[]')).size, 0);
});

test('HT-23 numbers and truth values are taken as text', async () => {
  assert.deepEqual(eventsOf(await read('[{"headers":{"n":1,"b":TRUE,"f":1.50,"e":1e999999,"z":null},"body":12}]')), [[{ n: '1', b: 'true', f: '1.50', e: '1e999999' }, '12']]);
});

test('HT-24 HT-25 text is UTF-8; without a named character set what is none is taken for ISO-8859-1', async () => {
  const json = (bytes: string): Buffer => Buffer.concat([Buffer.from('[{"body":"'), Buffer.from(bytes, 'hex'), Buffer.from('"}]')]);
  for (const type of [undefined, 'application/json', 'text/plain', 'application/json;foo=bar']) assert.equal((await read(json('c3a9'), type ?? '')).body(0).toString('hex'), 'c3a9');
  assert.equal((await read(json('e9'), 'text/plain')).body(0).toString('hex'), 'c3a9');
  assert.equal((await read(json('e9'), 'application/json')).body(0).toString('hex'), 'efbfbd');
});

test('what Flume takes leniently is taken: single quotes, bare words, comments, other separators', async () => {
  const text = "/* c */ [ {'headers' = {a => b; 'c' : \"d\"}, body: bare_word}, // line\n # other\n {\"body\": 'it\\'s'} ]";
  assert.deepEqual(eventsOf(await read(text)), [[{ a: 'b', c: 'd' }, 'bare_word'], [{}, "it's"]]);
});

test('escapes of every kind, pairs and halves of them', async () => {
  assert.deepEqual(eventsOf(await read('[{"body":"\\n\\t\\r\\b\\f\\/\\\\\\"\\u00e9\\ud83d\\ude18\\ud83dx\\\\"},{"body":"\\\\"}]')), [[{}, '\n\t\r\b\f/\\"é😘?x\\'], [{}, '\\']]);
});

test('N10 deep and wide JSON is refused or taken, and never blocks for long', async () => {
  for (const depth of [1000, 1_000_000]) {
    for (const text of [`[{"x":${'['.repeat(depth)}${']'.repeat(depth)}}]`, '['.repeat(depth), `[${'{"a":'.repeat(depth)}`]) assert.equal((await refused(text)).status, 400);
  }
  assert.match((await refused(`[{"headers":{${Array.from({ length: 100_000 }, (_, index) => `"k${index}":1`).join()}}}]`)).message, /more than 10000 headers/);
  assert.equal((await read(`[{"body":"x",${Array.from({ length: 100_000 }, (_, index) => `"k${index}":1`).join()}}]`)).size, 1);
});

test('R4 a request of 100,000 events leaves room for others', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const batch = await read(`[${Array.from({ length: 100_000 }, (_, index) => `{"headers":{"n":"${index}"},"body":"event ${index}"}`).join()}]`);
  clearInterval(timer);
  assert.equal(batch.size, 100_000);
  assert.ok(turns > 2, `${turns} turns`);
});
