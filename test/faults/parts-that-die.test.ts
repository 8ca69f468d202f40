import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { root, startAgent, until, type RunningAgent } from '../harness/agent.ts';

const BOMB = join(root, 'test/faults/plugins/bomb.ts');

type Part = 'source' | 'channel' | 'sink' | 'interceptor';

function conf(part: Part, how: string): string {
  const lines = (prefix: string): string =>
    `${prefix}.type = bomb-${part}\n${prefix}.fuse = @FOLDER@/fuse\n${prefix}.how = ${how}`;
  return `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.channels = c1
a1.sinks.k1.channel = c1
${part === 'source' ? lines('a1.sources.r1') : 'a1.sources.r1.type = seq\na1.sources.r1.batchSize = 10'}
${part === 'interceptor' ? `a1.sources.r1.interceptors = i1\n${lines('a1.sources.r1.interceptors.i1')}` : ''}
${part === 'channel' ? lines('a1.channels.c1') : 'a1.channels.c1.type = memory'}
${part === 'sink' ? lines('a1.sinks.k1') : 'a1.sinks.k1.type = null'}
`;
}

async function start(t: TestContext, part: Part, how: string): Promise<RunningAgent> {
  const agent = await startAgent({ conf: conf(part, how), env: { MILLRACE_PLUGINS: BOMB } });
  t.after(() => agent.stop());
  await agent.ready();
  return agent;
}

async function light(agent: RunningAgent): Promise<void> {
  await writeFile(join(agent.folder, 'fuse'), '');
}

/** The figure that shows whether events still pass. */
function flow(part: Part): [string, string] {
  return part === 'channel' ? ['CHANNEL.c1', 'EventPutSuccessCount'] : ['SINK.k1', 'EventDrainSuccessCount'];
}

for (const part of ['source', 'channel', 'sink', 'interceptor'] as const) {
  test(`O7 an exception thrown by a ${part} is told, and events go on`, async (t) => {
    const agent = await start(t, part, 'throw');
    await agent.counter(...flow(part), (count) => count > 0);
    await light(agent);
    await agent.line(/(WARN|ERROR).*a1\.(sources\.r1|sinks\.k1|channels\.c1).*bomb went off/);
    const now = await agent.counter(...flow(part));
    await agent.counter(...flow(part), (count) => count > now);
    await agent.ready();
  });

  for (const how of ['timer', 'promise'] as const) {
    test(`O7 an exception in a ${how} of a ${part}, which nobody catches, ends the process with one clear message`, async (t) => {
      const agent = await start(t, part, how);
      await light(agent);
      assert.equal(await agent.ended, 70);
      const told = agent.lines.filter((line) => /bomb went off/.test(line));
      assert.equal(told.length, 1, told.join('\n'));
      assert.match(told[0] ?? '', /ERROR.*the agent ends/);
    });
  }
}

for (const part of ['source', 'channel', 'sink'] as const) {
  test(`O7 a ${part} that reports its failure is an alarm while it does not run, and is started again`, async (t) => {
    const agent = await start(t, part, 'fail');
    await agent.counter(...flow(part), (count) => count > 0);
    await light(agent);
    const component = `a1.${part}s.${part === 'source' ? 'r1' : part === 'sink' ? 'k1' : 'c1'}`;
    await agent.line(new RegExp(`ERROR.*${component}.*component failed; it is started again.*bomb went off`));
    const answer = await until('/ready to name it', async () => {
      const response = await agent.get('/ready');
      const text = await response.text();
      return response.status === 503 && text.includes('bomb went off') ? text : undefined;
    });
    assert.match(answer, new RegExp(`"component":"${component}"`));
    await agent.ready();
    await agent.counter(...flow(part), (count) => count > 0);
  });
}
