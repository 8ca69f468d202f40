/** A host that is gone without a word: another network namespace whose link goes down, so that packets get no answer at all. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { HttpClient } from '../../io/http-client.ts';
import { FakeLog, never } from '../conformance/fakes.ts';
import { onPath, startDaemon, until } from '../servers/daemon.ts';

const LONG = process.env['MILLRACE_LONG'] === '1';
const missing = process.getuid?.() !== 0 ? 'root is needed for network namespaces' : !onPath('ip') ? 'install iproute2 (no ip)' : false;
const skip = LONG ? missing : 'MILLRACE_LONG=1 runs it: 16 s';

const NAME = `mr${process.pid}`.slice(0, 12);
const [OURS, THEIRS] = ['10.217.93.1', '10.217.93.2'];
const SERVER = `require('node:http').createServer((_, answer) => { if (_.url === '/ready') answer.end(); }).listen(9200, '${THEIRS}')`;

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: 'pipe' });
}

function within(...words: string[]): void {
  ip('netns', 'exec', NAME, 'ip', ...words);
}

void test('S2 a target that is silently gone is noticed long before the time for an answer is over', { skip }, async (t) => {
  ip('netns', 'add', NAME);
  t.after(() => ip('netns', 'del', NAME));
  ip('link', 'add', `${NAME}a`, 'type', 'veth', 'peer', 'name', `${NAME}b`, 'netns', NAME);
  ip('addr', 'add', `${OURS}/24`, 'dev', `${NAME}a`);
  ip('link', 'set', `${NAME}a`, 'up');
  within('addr', 'add', `${THEIRS}/24`, 'dev', `${NAME}b`);
  within('link', 'set', `${NAME}b`, 'up');
  const server = startDaemon({ command: 'ip', args: ['netns', 'exec', NAME, 'node', '-e', SERVER] });
  t.after(() => server.kill());
  await until('the server answers', async () => (await fetch(`http://${THEIRS}:9200/ready`)).ok);
  const client = new HttpClient({ connectTimeoutMs: 5000, answerTimeoutMs: 120_000, mostAnswerBytes: 1000, log: new FakeLog() });
  t.after(() => client.close());
  const began = performance.now();
  const asked = client.request({ method: 'POST', url: new URL(`http://${THEIRS}:9200/`), headers: {}, body: Buffer.from('x') }, never);
  setTimeout(() => within('link', 'set', `${NAME}b`, 'down'), 1000);
  await assert.rejects(asked, /ETIMEDOUT/);
  const seconds = (performance.now() - began) / 1000;
  t.diagnostic(`noticed after ${seconds.toFixed(1)} s`);
  assert.ok(seconds < 60);
});
