import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, startAgent } from '../harness/agent.ts';

test('the deserializer that docs/spooldir.md shows runs in the place of a Java class', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-spool-plugin-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [, code] = /```js\n([\s\S]*?)```/.exec(await readFile(join(root, 'docs/spooldir.md'), 'utf8')) ?? [];
  assert.ok(code);
  await mkdir(join(folder, 'spool'));
  await writeFile(join(folder, 'whole-file.js'), code);
  await writeFile(join(folder, 'plugins.json'), JSON.stringify({ 'com.example.WholeFile$Builder': './whole-file.js' }));
  const conf = [
    'a1.sources = r1',
    'a1.channels = c1',
    'a1.sinks = k1',
    'a1.sources.r1.type = org.apache.flume.source.SpoolDirectorySource',
    'a1.sources.r1.spoolDir = @FOLDER@/spool',
    'a1.sources.r1.deserializer = com.example.WholeFile$Builder',
    'a1.sources.r1.basenameHeader = true',
    'a1.sources.r1.channels = c1',
    'a1.channels.c1.type = memory',
    'a1.sinks.k1.type = logger',
    'a1.sinks.k1.channel = c1',
    '',
  ].join('\n');
  const agent = await startAgent({ conf, folder });
  t.after(() => agent.stop());
  await agent.ready();
  await writeFile(join(folder, 'spool/.new'), 'one\ntwo\n');
  await rename(join(folder, 'spool/.new'), join(folder, 'spool/file'));
  assert.match(await agent.line(/Event: /), /headers:\{basename=file\} body: 6F 6E 65 0A 74 77 6F 0A/);
});
