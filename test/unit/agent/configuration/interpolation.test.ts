import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { propertiesOrder } from '../../../../agent/configuration/java-order.ts';
import { LISTS, planTexts, type Surroundings } from '../planning.ts';
import type { Rules } from '../../../../agent/plan/types.ts';

async function values(text: string, surroundings: Surroundings = {}, rules: Rules = 'millrace'): Promise<Record<string, string>> {
  const { effective } = await planTexts([text], rules, surroundings);
  return Object.fromEntries([...effective.properties].map(([key, { value }]) => [key, value]));
}

async function value(expression: string, surroundings: Surroundings = {}, more = ''): Promise<string | undefined> {
  return (await values(`v = ${expression}\n${more}`, surroundings))['v'];
}

test('C1.20 ${env:NC_PORT} with the variable set', async () => {
  assert.equal(await value('${env:NC_PORT}', { env: { NC_PORT: '44444' } }), '44444');
});

test('C1.21 a name that is made of another expression', async () => {
  assert.equal(await value('${${sys:env}_BIND}', { system: { env: 'DEV' } }, 'DEV_BIND = 127.0.0.1\n'), '127.0.0.1');
});

test('C1.22 a property of a later file counts, also for references in an earlier one', async () => {
  const { effective } = await planTexts(['v = ${DEV_BIND}\nDEV_BIND = 1.1.1.1\n', 'DEV_BIND = 2.2.2.2\n'], 'millrace');
  assert.equal(effective.reader.getRaw('v'), '2.2.2.2');
});

test('C1.23 sys and java resolve, const does not', async () => {
  assert.equal(await value('${sys:name}', { system: { name: 'x' } }), 'x');
  assert.match((await value('${java:version}')) ?? '', /^Java version \S/);
  assert.equal(await value('${const:java.lang.Integer.MAX_VALUE}'), '${const:java.lang.Integer.MAX_VALUE}');
  assert.equal(await value('${ENV:A}${Sys:b}', { env: { A: '1' }, system: { b: '2' } }), '12');
});

test('C1.23 date formats the present time; a bad pattern is fatal', async () => {
  assert.match((await value('${date:yyyy-MM-dd}/${DATE:HH}')) ?? '', /^20\d\d-[01]\d-[0-3]\d\/[0-2]\d$/);
  assert.match(String((await planTexts(['a1.v = ${date:bogus}\n'], 'millrace')).effective.fatal), /date pattern/);
});

test('C1.23 a look-ups file replaces the built-in look-ups', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-lookups-'));
  t.after(() => rm(directory, { recursive: true }));
  const prefix = 'org.apache.commons.text.lookup.DefaultStringLookup';
  await writeFile(join(directory, 'data.txt'), 'from a file');
  await writeFile(join(directory, 'data.properties'), 'key = from a property\n');
  await writeFile(
    join(directory, 'lookups.properties'),
    `e = ${prefix}.ENVIRONMENT\nb64 = ${prefix}.BASE64_DECODER\nenc = ${prefix}.BASE64_ENCODER\nf = ${prefix}.FILE\np = ${prefix}.PROPERTIES\nl = ${prefix}.LOCAL_HOST\nu = ${prefix}.URL_DECODER\ns = ${prefix}.SCRIPT\ntest = org.example.Lookup\n`,
  );
  const text = [
    'a = ${e:X}',
    'b = ${b64:aGVsbG8=}',
    'c = ${enc:hello}',
    `d = \${f:UTF-8:${directory}/data.txt}`,
    `e = \${p:${directory}/data.properties::key}`,
    'f = ${l:name}',
    'g = ${u:a%20b+c}',
    'h = ${env:X}',
    'i = ${s:javascript:1}',
    '',
  ].join('\n');
  const { effective, problems } = await planTexts([text], 'millrace', { env: { X: 'y' }, confDirectory: directory });
  const found = Object.fromEntries([...effective.properties].map(([key, property]) => [key, property.value]));
  assert.deepEqual(found, {
    a: 'y', b: 'hello', c: 'aGVsbG8=', d: 'from a file', e: 'from a property', f: hostname(), g: 'a b c', h: '${env:X}', i: '${s:javascript:1}',
  });
  const refused = problems.filter(({ code }) => code === 'M035').map(({ sentence }) => sentence);
  assert.equal(refused.length, 2);
  assert.match(refused.join('\n'), /"s" of .* SCRIPT runs code[^]*"test" of .* Java class/);
});

test('C1.24 the legacy class makes ${NAME} a variable of the environment', async () => {
  const surroundings = { env: { NC_PORT: '1' }, system: { propertiesImplementation: 'org.apache.flume.node.EnvVarResolverProperties' } };
  assert.equal(await value('${NC_PORT} ${NOPE}', surroundings), '1 ${NOPE}');
  assert.equal(await value('${NC_PORT}', { env: { NC_PORT: '1' } }), '${NC_PORT}');
});

test('C1.42 defaults, escapes, what stays', async () => {
  assert.equal(await value('${env:NOPE:-dflt}'), 'dflt');
  assert.equal(await value('$${env:HOME}', { env: { HOME: '/h' } }), '${env:HOME}');
  assert.equal(await value('a ${nokey} b'), 'a ${nokey} b');
  assert.equal(await value('${x:-${zz}}', {}, 'zz = late\n'), 'late');
  assert.equal(await value('${}'), '${}');
  assert.equal(await value('${open ${zz}', {}, 'zz = late\n'), '${open ${zz}');
  assert.equal(await value('$ $1 $Builder {} }'), '$ $1 $Builder {} }');
  assert.equal(await value('$$${zz}', {}, 'zz = 1\n'), '$${zz}');
  assert.equal(await value('${foo:zz}', {}, 'zz = by name\n'), 'by name');
});

test('C1.42 ${java:bogus} and a variable that contains itself are errors', async () => {
  for (const text of ['v = ${java:bogus}\n', 'v = ${v}\n', 'v = ${w}\nw = a ${x}\nx = ${v}\n']) {
    const { effective, problems } = await planTexts([`${text}a1.sources = r1\n`], 'millrace');
    assert.notEqual(effective.fatal, undefined, text);
    assert.equal(problems.some(({ code }) => code === 'M023'), true, text);
  }
});

test('G4 a loop names its variables and ends; depth and length have limits', async () => {
  const { problems } = await planTexts(['A = ${B}\nB = ${C}\nC = ${A}\n'], 'millrace');
  assert.match(problems.find(({ code }) => code === 'M023')?.sentence ?? '', /A: "B" refers to itself: B > C > A > B/);
  const doubling = Array.from({ length: 60 }, (_, i) => `p${i} = \${p${i + 1}}\${p${i + 1}}\n`).join('');
  assert.match(String((await planTexts([`${doubling}p60 = x\n`], 'millrace')).effective.fatal), /grows|deep/);
});

test('G4 an undefined variable is an error with its name and its place', async () => {
  const { problems } = await planTexts([`${LISTS}a1.sources.r1.type = netcat\na1.sources.r1.port = 1\${env:NOPE}\n`], 'millrace');
  const [unresolved] = problems.filter(({ code }) => code === 'M022');
  assert.match(unresolved?.sentence ?? '', /\$\{env:NOPE\}/);
  assert.deepEqual([unresolved?.severity, unresolved?.place?.line, unresolved?.place?.column, unresolved?.place?.length], ['error', 5, 23, 11]);
});

test('X10 a substituted value is never read as properties and never scanned again', async () => {
  const env = { VAR: 'x\na1.sources.r2.type = exec', REF: '${SECRET} ${env:VAR}', SECRET: 's' };
  const found = await values('v = ${env:VAR}\nw = ${env:REF}-${env:REF}\nSECRET = top\n${env\\:VAR} = no\n', { env });
  assert.deepEqual(Object.keys(found), ['v', 'w', 'SECRET', '${env:VAR}']);
  assert.equal(found['v'], env.VAR);
  assert.equal(found['w'], `${env.REF}-${env.REF}`);
});

test('X10 by the rules of Flume the value of a variable is scanned again', async () => {
  const found = await values('v = ${env:REF}\n', { env: { REF: '${env:X}', X: 'x' } }, 'flume');
  assert.equal(found['v'], 'x');
});

test('by the rules of Flume a name sees only what its hash order has resolved before', async () => {
  // On Java 17 "b" is walked before "c": a reference backwards works, one forwards stays.
  assert.deepEqual(propertiesOrder(['c', 'b']), ['b', 'c']);
  assert.deepEqual(await values('b = ${c}\nc = 1\nd = ${b}${c}\n', {}, 'flume'), { b: '${c}', c: '1', d: '11' });
});
