import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flumes, LISTS, planTexts, C, K, stay } from '../planning.ts';

const netcat = (port: string): string => `a1.sources.r1.type = netcat\na1.sources.r1.bind = 127.0.0.1\na1.sources.r1.port = ${port}\na1.sources.r1.channels = c1\n`;

test('C1.25 C1.26 the env filter: all three ways to write a key, several in one value, unset keys stay', async () => {
  const lines = `a1.configfilters = f1 f2\na1.configfilters.f1.type = env\na1.configfilters.f2.type = ENV\n${LISTS}${C}${K}a1.sources.r1.type = exec\na1.sources.r1.channels = c1\n`;
  const command = "${f1['A']} ${f1[B]} ${f2[\"C\"]}-${f1['A']} ${f1['A\"]} ${f1[NOPE]} ${f9[A]}";
  const { agents, problems } = await planTexts([`${lines}a1.sources.r1.command = ${command}\n`], 'millrace', { env: { A: '1', B: '2', C: '${f2[A]}' } });
  assert.equal(agents[0]?.sources[0]?.values['command'], "1 2 ${f2[A]}-1 ${f1['A\"]} ${f1[NOPE]} ${f9[A]}");
  assert.deepEqual(problems.filter(({ code }) => code === 'M024').map(({ sentence }) => sentence), ['config filter f1 gives nothing for "NOPE": it has no such key']);
});

test('C1.43 channels and types may come from a filter, the lists may not', async () => {
  const text = `a1.configfilters = f\na1.configfilters.f.type = env\na1.sources = \${f[R]}\na1.channels = c1\na1.sinks = k1\na1.sources.r1.type = seq\na1.sources.r1.channels = \${f[CH]}\na1.channels.c1.type = \${f[T]}\n${K}`;
  const env = { CH: 'c1', T: 'memory', R: 'r1' };
  const plan = await flumes(text.replace('${f[R]}', 'r1'), { env });
  assert.deepEqual([plan.verdict, stay(plan)], ['ok', 'r1 | c1 | k1 | ']);
  assert.equal((await flumes(text, { env })).sources.length, 0);
});

test('G5 what a filter gave is in no problem', async () => {
  const text = `a1.configfilters = f\na1.configfilters.f.type = env\n${LISTS}${netcat('${f[PLANTED]}')}${C}${K}`;
  const { problems } = await planTexts([text], 'millrace', { env: { PLANTED: 'hunter2secret' } });
  assert.deepEqual(problems.map(({ code }) => code), ['M015']);
  assert.equal(JSON.stringify(problems).includes('hunter2secret'), false);
});
