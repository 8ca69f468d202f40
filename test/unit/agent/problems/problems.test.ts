import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { explain } from '../../../../agent/commands/explain.ts';
import { CATALOGUE, catalogueEntry } from '../../../../agent/problems/catalogue.ts';
import { hideSecrets, isSecretKey, loginsIn } from '../../../../agent/configuration/secrets.ts';
import { planTexts } from '../planning.ts';

async function explained(code?: string): Promise<{ status: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const io = { out: (text: string) => (out += text), err: (text: string) => (err += text), colour: false, env: new Map<string, string>(), systemProperties: new Map<string, string>() };
  const status = await explain(code === undefined ? {} : { code }, io);
  return { status, out, err };
}

test('every code that the program uses is in the catalogue, and every entry below M100 is used', () => {
  const home = join(import.meta.dirname, '../../../..');
  const folders = ['agent', 'core', 'io', 'protocols', 'sources', 'channels', 'sinks', 'interceptors', 'serializers', 'monitoring'];
  const files = folders.flatMap((folder) => readdirSync(join(home, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(home, folder, name)));
  const texts = files.filter((name) => name.endsWith('.ts') && !name.endsWith('problems/catalogue.ts')).map((name) => readFileSync(name, 'utf8'));
  const used = new Set(texts.flatMap((text) => [...text.matchAll(/'(M\d{3})'/g)].map(([, code]) => code as string)));
  assert.deepEqual([...used].filter((code) => !catalogueEntry(code)), []);
  assert.deepEqual(Object.keys(CATALOGUE).filter((code) => code < 'M100' && !used.has(code)), []);
});

test('entries are whole sentences, and their examples are such problems', async () => {
  for (const [code, entry] of Object.entries(CATALOGUE)) {
    assert.match(entry.explanation, /^[A-Z"$].*[.)]$/s, code);
    assert.match(entry.title, /^[a-z].*[^.]$/, code);
  }
  const whole = (code: 'M008' | 'M012' | 'M026' | 'M015' | 'M004' | 'M005' | 'M022' | 'M023'): string => CATALOGUE[code].example;
  const listed = 'a1.sources = r1\na1.channels = c1\na1.channels.c1.type = memory\na1.sources.r1.channels = c1\n';
  for (const code of ['M004', 'M005', 'M008', 'M015', 'M022', 'M023', 'M026'] as const) {
    const type = whole(code).includes('type') ? '' : code === 'M004' ? 'a1.sources.r1.type = spooldir\n' : 'a1.sources.r1.type = netcat\n';
    const { problems } = await planTexts([`${listed}${type}${whole(code)}\n`], 'millrace');
    assert.equal(problems.some((each) => each.code === code), true, `${code}: ${JSON.stringify(problems)}`);
  }
});

test('explain says more of one code, in several spellings; lists all; names the nearest', async () => {
  const one = await explained('M012');
  assert.match(one.out, /^M012 {2}unknown property \(warning\)\n\n[^]*For example:\n\n {4}a1\.sources\.r1\.chanels = c1\n$/);
  assert.deepEqual([(await explained('m012')).out, (await explained('12')).out], [one.out, one.out]);
  assert.equal((await explained()).out.trimEnd().split('\n').length, Object.keys(CATALOGUE).length);
  const unknown = await explained('M999');
  assert.equal(unknown.status, 64);
  for (const code of ['__proto__', 'constructor']) assert.equal((await explained(code)).status, 64);
});

test('G5 keys and texts that hold secrets', () => {
  for (const key of ['keystore-password', 'kafka.consumer.sasl.jaas.config', 'accessTokenSecret', 'aws.accessKey', 'x.passphrase', 'client-keytab', 'apiKey', 'ssl.keystore.password']) {
    assert.equal(isSecretKey(key), true, key);
  }
  for (const key of ['bind', 'hdfs.path', 'passive', 'keystore', 'tokenizer', 'hbaseColumn']) assert.equal(isSecretKey(key), false, key);
  assert.equal(hideSecrets('http://u:p@h/x?a=1 password="a b" token: t;'), 'http://***@h/x?a=1 password=*** token: ***;');
  assert.deepEqual(loginsIn('jdbc:x://u:p@h/'), ['u:p', 'p']);
});
