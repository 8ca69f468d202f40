import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runMillrace, startAgent, until } from '../harness/agent.ts';
import { DURABLE, netcatConf } from '../harness/conf.ts';
import { lastFirst } from './last-first.ts';
import { exchange, lineOf, linesIn } from './numbered-lines.ts';

const LINES = 2000;

const ENCRYPTED = `${DURABLE}
encryption.keyProvider = KEYFILE
encryption.activeKey = key-1
encryption.keyProvider.keys = key-1
encryption.keyProvider.keys.key-1.keyFile = @FOLDER@/key`;

function conf(sink: string): string {
  return netcatConf({ channel: ENCRYPTED, sink: `type = file_roll\nsink.directory = ${sink}` });
}

test('FC-34 FC-35 C1 the agent of an encrypted channel is killed: tools find the key in its configuration, another key is refused, and with the right one all is delivered', { timeout: 180_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-encrypted-'));
  lastFirst(t, () => rm(folder, { recursive: true, force: true }));
  const key = randomBytes(32).toString('hex');
  await writeFile(join(folder, 'key'), key, { mode: 0o600 });
  const agent = await startAgent({ conf: conf('/nonexistent/millrace'), folder });
  lastFirst(t, () => agent.stop());
  const lines = Array.from({ length: LINES }, (_, number) => lineOf(number));
  assert.equal(await exchange(await agent.port('r1'), `${lines.join('\n')}\n`), 'OK\n'.repeat(LINES));
  await agent.kill();
  const data = join(folder, 'data');
  const records = join(data, 'millrace-records');
  for (const name of await readdir(records)) assert.ok(!(await readFile(join(records, name), 'latin1')).includes(lineOf(7)));
  const millrace = async (...words: readonly string[]): Promise<[number | null, string]> => {
    const { status, lines: said } = await runMillrace(['channel', ...words]);
    return [status, said.join('\n')];
  };
  assert.match((await millrace('stat', data)).join(' '), /^0 .*events left +2,000/s);
  assert.match((await millrace('peek', data)).join(' '), /^66 .*under the key "key-1"/s);
  assert.match((await millrace('peek', '-n', '1', '--conf-file', agent.confFile)).join(' '), new RegExp(`^0 0 {2}${lineOf(0)}\n`));
  assert.match((await millrace('verify', '--conf-file', agent.confFile)).join(' '), /^0 .*2,000 events.*as it was written/s);
  await writeFile(join(folder, 'key'), randomBytes(32).toString('hex'));
  assert.match((await millrace('verify', '--conf-file', agent.confFile)).join(' '), /^66 .*another key of the name "key-1"/s);
  await mkdir(join(folder, 'out'));
  const again = await startAgent({ conf: conf('@FOLDER@/out'), folder });
  lastFirst(t, () => again.stop());
  await until('the refusal', () => again.lines.some((line) => line.includes('another key of the name')) || undefined);
  await writeFile(join(folder, 'key'), key);
  await again.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === LINES);
  assert.deepEqual(await linesIn(join(folder, 'out')), lines);
});
