import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { LISTS, planTexts, C, K } from '../planning.ts';

async function program(t: TestContext, script: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-filter-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'filter.sh');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

const netcat = (port: string): string => `a1.sources.r1.type = netcat\na1.sources.r1.bind = 127.0.0.1\na1.sources.r1.port = ${port}\na1.sources.r1.channels = c1\n`;
const external = (command: string, more = ''): string => `a1.configfilters = f1\na1.configfilters.f1.type = external\na1.configfilters.f1.command = ${command}\n${more}`;

test('C1.27 the external filter: the first line of a program that gets the key; another status gives nothing', async (t) => {
  const path = await program(t, 'if [ "$2" = port ]; then printf "4444\\nsecond\\n"; else exit 3; fi');
  const good = `${external(`${path} -x`)}${LISTS}${netcat('${f1[port]}')}${C}${K}`;
  const { agents, secrets } = await planTexts([good], 'millrace');
  assert.equal(agents[0]?.sources[0]?.values['port'], 4444);
  assert.equal(secrets.has('4444'), true);
  const { problems } = await planTexts([good.replace('[port]', '[other]')], 'millrace');
  assert.match(problems.map(({ sentence }) => sentence).join('\n'), /f1 gives nothing for "other": .*filter\.sh ended with status 3/);
});

test('C1.27 the external filter passes arguments without a shell, and reads other character sets', async (t) => {
  const path = await program(t, 'printf "%s|%s|\\351" "$1" "$2"');
  const text = `${external(`${path} $HOME;ls`, 'a1.configfilters.f1.charset = ISO-8859-1\n')}${LISTS}${C}${K}a1.sources.r1.type = exec\na1.sources.r1.command = \${f1[k]}\na1.sources.r1.channels = c1\n`;
  assert.equal((await planTexts([text], 'millrace')).agents[0]?.sources[0]?.values['command'], '$HOME;ls|k|é');
});

test('G4 an external filter that hangs or floods is ended and named', async (t) => {
  const hanging = await program(t, 'sleep 1000');
  const flooding = await program(t, 'yes');
  for (const [path, reason] of [[hanging, /did not end within 50 ms/], [flooding, /printed more than 65536 bytes/]] as const) {
    const more = path === hanging ? 'a1.configfilters.f1.timeoutMs = 50\n' : '';
    const { problems } = await planTexts([`${external(path, more)}${LISTS}${netcat('${f1[port]}')}${C}${K}`], 'millrace');
    assert.match(problems.map(({ sentence }) => sentence).join('\n'), reason);
  }
});
