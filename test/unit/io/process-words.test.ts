import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { describeProcess } from '../../../io/process-words.ts';

async function told(t: TestContext, ...words: readonly string[]): Promise<string | undefined> {
  const child = spawn('/bin/sh', ['-c', 'echo; read line', 'sh', ...words], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const text = await describeProcess(child.pid as number);
  const ended = once(child, 'exit');
  child.stdin.end('\n');
  await ended;
  return text;
}

test('an agent is named by its name and its configuration, in each way of writing them', async (t) => {
  for (const words of [['--name', 'a1', '--conf-file', '/etc/a.conf'], ['-n', 'a1', '-f', '/etc/a.conf'], ['-na1', '-f/etc/a.conf'], ['--name=a1', '-conf-file=/etc/a.conf']]) {
    assert.equal(await told(t, 'agent', ...words), 'agent a1 of /etc/a.conf', words.join(' '));
  }
});

test('nothing else of a command line is shown', async (t) => {
  const text = await told(t, 'agent', '-n', 'a1', '-u', 'http://me:hunter2@host/a.conf', '-Dpassword=hunter3', '--conf-password', 'hunter4');
  assert.equal(text, 'agent a1 of http://host/a.conf');
  assert.equal(await told(t, '--secret', 'hunter5'), 'sh');
});

test('a process that is not there is not named', async () => {
  assert.equal(await describeProcess(2 ** 22 + 1), undefined);
});
