/** `millrace dead-letters` against an agent that runs, and one that does not. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runMillrace, startAgent, until } from '../harness/agent.ts';
import { DURABLE, netcatConf } from '../harness/conf.ts';
import { TcpClient } from '../faults/tcp-client.ts';

/** Takes what does not begin with "bad", and everything once a file `better` is there. */
const PICKY = `
import { existsSync, appendFileSync } from 'node:fs';
import { RejectedError } from 'millrace';
export default {
  kind: 'sink',
  types: ['picky'],
  create: () => ({
    async write(batch) {
      const bad = [];
      let at = 0;
      for (const { body } of batch) {
        if (String(body).startsWith('bad') && !existsSync('better')) bad.push(at);
        else appendFileSync('taken', body + '\\n');
        at++;
      }
      if (bad.length > 0) throw new RejectedError(bad, 'bad events', { details: bad.map((index) => ({ reason: 'it is bad', reply: 'no ' + index })) });
    },
  }),
};
`;

const CONF = netcatConf({ channel: DURABLE, sink: 'type = ./picky.mjs' });

async function setUp(t: TestContext): Promise<{ folder: string; letters: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-letters-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'picky.mjs'), PICKY);
  return { folder, letters: join(folder, 'dead-letters') };
}

async function takenIn(folder: string): Promise<string[]> {
  return (await readFile(join(folder, 'taken'), 'utf8').catch(() => '')).split('\n').filter(Boolean);
}

test('S26 rejected events are listed, shown, and replayed into the channel of the running agent', async (t) => {
  const { folder, letters } = await setUp(t);
  const agent = await startAgent({ folder, conf: CONF });
  t.after(() => agent.stop());
  await agent.ready();
  await (await TcpClient.to(await agent.port('r1'))).send('good 1\nbad 2\ngood 3\nbad 4\n');
  await agent.counter('SINK.k1', 'EventRejectedCount', (count) => count === 2);
  const listed = await runMillrace(['dead-letters', 'ls', '--dir', letters]);
  assert.equal(listed.status, 0);
  assert.match(listed.lines.join('\n'), /it is bad[^]*2 dead letters in /);
  const shown = await runMillrace(['dead-letters', 'show', '--all', '--dir', letters, '--component', 'k1']);
  assert.match(shown.lines.join('\n'), /reason {2}it is bad\n {2}reply {3}no \d[^]*body {4}bad 2/);
  const url = `http://127.0.0.1:${await agent.monitoringPort()}`;
  const nothing = await runMillrace(['dead-letters', 'replay', '--dir', letters, '--channel', 'c1', '--url', url]);
  assert.equal(nothing.status, 64);
  const wrong = await runMillrace(['dead-letters', 'replay', '--all', '--dir', letters, '--channel', 'c9', '--url', url]);
  assert.deepEqual([wrong.status, /no channel "c9"/.test(wrong.lines.join())], [69, true]);
  // Not better yet: they come back, counted.
  const first = await runMillrace(['dead-letters', 'replay', '--all', '--dir', letters, '--channel', 'c1', '--url', url]);
  assert.deepEqual([first.status, first.lines], [0, ['2 dead letters put into channel c1']]);
  await agent.counter('SINK.k1', 'EventRejectedCount', (count) => count === 4);
  const again = await until('both are back', async () => {
    const { lines } = await runMillrace(['dead-letters', 'ls', '--json', '--dir', letters]);
    return lines.length === 2 ? lines.map((line) => JSON.parse(line) as { times: number }) : undefined;
  });
  assert.deepEqual(again.map(({ times }) => times), [2, 2]);
  await writeFile(join(folder, 'better'), '');
  await runMillrace(['dead-letters', 'replay', '--reason', 'bad', '--dir', letters, '--channel', 'c1', '--url', url]);
  await until('all are delivered', async () => (await takenIn(folder)).length === 4 || undefined);
  assert.deepEqual((await takenIn(folder)).sort(), ['bad 2', 'bad 4', 'good 1', 'good 3']);
  assert.deepEqual((await readdir(letters)).filter((name) => /jsonl|request/.test(name)), []);
});

test('S26 rejected events are replayed into the durable channel of a stopped agent, and purged', async (t) => {
  const { folder, letters } = await setUp(t);
  const agent = await startAgent({ folder, conf: CONF });
  await agent.ready();
  await (await TcpClient.to(await agent.port('r1'))).send('bad 1\nbad 2\nbad 3\n');
  await agent.counter('SINK.k1', 'EventRejectedCount', (count) => count === 3);
  const confFile = agent.confFile;
  const running = await runMillrace(['dead-letters', 'replay', '--all', '--dir', letters, '--channel', 'c1', '--conf-file', confFile]);
  assert.equal(running.status, 69, running.lines.join('\n'));
  await agent.stop();
  const { lines } = await runMillrace(['dead-letters', 'ls', '--json', '--dir', letters]);
  const ids = lines.map((line) => (JSON.parse(line) as { id: string }).id);
  assert.equal(ids.length, 3);
  const purged = await runMillrace(['dead-letters', 'purge', ids[1] ?? '', '--dir', letters]);
  assert.equal(purged.status, 0);
  const replayed = await runMillrace(['dead-letters', 'replay', '--all', '--dir', letters, '--channel', 'c1', '--conf-file', confFile]);
  assert.deepEqual([replayed.status, replayed.lines.at(-1)], [0, '2 dead letters put into channel c1']);
  assert.equal((await runMillrace(['dead-letters', 'ls', '--dir', letters])).status, 1);
  await writeFile(join(folder, 'better'), '');
  const next = await startAgent({ folder, conf: CONF });
  t.after(() => next.stop());
  await until('both are delivered', async () => (await takenIn(folder)).length === 2 || undefined);
  assert.deepEqual(await takenIn(folder), ['bad 1', 'bad 3']);
});

test('S26 what is neither delivered nor kept is counted by its reason, and said', async (t) => {
  const { folder } = await setUp(t);
  const off = await startAgent({ folder, conf: CONF, properties: { 'millrace.dead.letters': 'off' } });
  await off.ready();
  await (await TcpClient.to(await off.port('r1'))).send('bad 1\nbad 2\n');
  await off.counter('SINK.k1', 'DeadLetterLostDisabledCount', (count) => count === 2);
  assert.match(off.lines.join('\n'), /ERROR.*events that nobody accepted are lost: there are no dead letters.*component=a1\.sinks\.k1 events=\d/);
  await off.stop();
  const small = await startAgent({ folder, conf: CONF, properties: { 'millrace.dead.letters.maxBytes': '1k' } });
  t.after(() => small.stop());
  await small.ready();
  await (await TcpClient.to(await small.port('r1'))).send(`${'bad 3\n'.repeat(20)}bad ${'x'.repeat(400)}${'y'.repeat(80)}\n`);
  await small.counter('SINK.k1', 'DeadLetterLostCapacityCount', (count) => count >= 10);
});
