import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { AgentArguments } from '../../../../agent/command-line/types.ts';
import { onlyAgent } from '../../../../agent/configuration/only-agent.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-only-'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const [conf, wanted] of [
  ['web.sources = r1\nweb.channels = c1\nother.sources.r1.type = netcat\n', { name: 'web' }],
  ['a.sources = r1\nb.sinks = k1\n', /there are the agents a, b; say with --name/],
  ['# nothing\n', /no agent is defined/],
] as const) {
  test(`--name - with ${JSON.stringify(conf)}`, async () => {
    const file = join(folder, 'x.properties');
    writeFileSync(file, conf);
    const found = await onlyAgent({ confFiles: [file], confUris: [] } as unknown as AgentArguments);
    if (wanted instanceof RegExp) assert.match('fault' in found ? found.fault : '', wanted);
    else assert.deepEqual(found, wanted);
  });
}

test('--name - with a file that is not there', async () => {
  const found = await onlyAgent({ confFiles: [join(folder, 'missing')], confUris: [] } as unknown as AgentArguments);
  assert.match('fault' in found ? found.fault : '', /missing/);
});
