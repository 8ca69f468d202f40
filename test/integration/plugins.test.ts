import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, runMillrace, startAgent } from '../harness/agent.ts';

test('conf/plugin.properties: the events of netcat pass the interceptor and come out of the sink of the plug-in', async (t) => {
  const conf = await readFile(join(root, 'conf/plugin.properties'), 'utf8');
  const agent = await startAgent({
    conf: conf.replace('port = 44445', 'port = 0').replaceAll('./plugins/', `${join(root, 'conf/plugins')}/`),
  });
  t.after(() => agent.stop());
  const socket = connect(await agent.port('r1'), '127.0.0.1');
  socket.on('error', () => {});
  socket.end('card 4111111111111111\norder 1234\n');
  socket.resume();
  await once(socket, 'close');
  await agent.line(/^\{"body":"card \*{16}"\}$/);
  await agent.line(/^\{"body":"order 1234"\}$/);
  assert.equal(await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 2), 2);
  assert.equal(await agent.stop(), 0);
});

test('the example is checked like any other file, and an option of a plug-in that is spelled wrongly is named', async () => {
  assert.equal((await runMillrace(['check', join(root, 'conf/plugin.properties')])).status, 0);
  const agent = await startAgent({
    conf: (await readFile(join(root, 'conf/plugin.properties'), 'utf8'))
      .replaceAll('./plugins/', `${join(root, 'conf/plugins')}/`)
      .replace('minDigits = 13', 'minDigits = many'),
  });
  assert.equal(await agent.ended, 78);
  assert.ok(agent.lines.some((line) => /agent\.conf:\d+:\d+ .*minDigits/.test(line)), agent.lines.join('\n'));
  await agent.stop();
});
