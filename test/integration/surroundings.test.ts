import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../../bin/millrace', import.meta.url));
const CONF = `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = seq
a1.sources.r1.totalEvents = 3
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
a1.sinks.k1.type = logger
a1.sinks.k1.channel = c1
`;

/** The agent in a shell that sets up something odd first; it is ended by SIGTERM once it has shown its events. */
function runIn(setUp: string): { readonly status: number | null; readonly output: string } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-odd-')));
  try {
    writeFileSync(join(folder, 'a.conf'), CONF);
    const agent = `"${launcher}" agent -n a1 -f a.conf "$@"`;
    const output = setUp.includes('LOGFILE') ? '' : '>out 2>&1';
    const script = `exec 3>&1\n${setUp}\n${agent} ${output} & pid=$!\ni=0; while ! grep -q ' 32 ' out && [ $i -lt 200 ]; do i=$((i+1)); sleep 0.05; done\nkill $pid; wait $pid; code=$?; cat out >&3; exit $code`;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { cwd: folder, env: { PATH: process.env.PATH ?? '' }, encoding: 'latin1' });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const [what, setUp] of [
  ['no HOME, no TZ, no temporary directory', 'unset HOME TZ LANG; TMPDIR=/nowhere; export TMPDIR'],
  ['an environment variable that is not UTF-8, locale C', "LC_ALL=C; BAD=$(printf 'a\\377b'); export LC_ALL BAD; HOME=/nowhere; export HOME"],
  ['no standard input and no standard error', 'exec 0<&- 2>&-'],
] as const) {
  test(`R7: ${what}`, () => {
    const { status, output } = runIn(setUp);
    assert.match(output, /Event: \{ headers:\{\} body: 32 /, output);
    assert.equal(status, 0, output);
  });
}

test('R7: no standard output: the agent runs, and logs to its file', () => {
  const { status, output } = runIn('exec >&-; set -- -Dflume.root.logger=INFO,LOGFILE -Dflume.log.file=out');
  assert.match(output, /Event: \{ headers:\{\} body: 32 /, output);
  assert.equal(status, 0, output);
});
