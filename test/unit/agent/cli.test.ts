import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../../bin/millrace.ts', import.meta.url));

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function run(...words: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], { encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
}

test('C2.1: no command, or one that nobody knows: exit 1, usage on standard output', () => {
  for (const words of [['--program=flume-ng'], ['--program=flume-ng', 'bogus'], ['bogus']]) {
    const { status, out, err } = run(...words);
    assert.equal(status, 1);
    assert.match(out, /^Usage: /);
    assert.match(err, new RegExp(`Error: Unknown or unspecified command '${words.at(-1)?.replace(/^--.*/, '') ?? ''}'`));
  }
});

test('C2.2: help: exit 0, usage on standard output', () => {
  const flume = run('--program=flume-ng', 'help');
  assert.deepEqual([flume.status, flume.err], [0, '']);
  assert.match(flume.out, /^Usage: flume-ng <command> \[options\]/);
  const ours = run('help');
  assert.equal(ours.status, 0);
  assert.match(ours.out, /source +netcat/);
});

test('2.1: flume-ng version prints five lines, and the tool for the file channel of Flume is missed by name', () => {
  const version = run('--program=flume-ng', 'version');
  const lines = version.out.trimEnd().split('\n');
  assert.equal(version.status, 0);
  assert.deepEqual(
    lines.map((line) => line.split(/[ :]/)[0]),
    ['Flume', 'Source', 'Revision', 'Compiled', 'From'],
  );
  assert.match(lines[0] ?? '', /^Flume 1\.11\.0 \(Millrace \d/);
  const tool = run('--program=flume-ng', 'tool', 'fcintegritytool');
  assert.equal(tool.status, 1);
  assert.match(tool.err, /"tool" .*does not have yet/);
});

test('C2.4: an agent that cannot be started ends with 78, where Flume ends with 0, and says why', () => {
  for (const [words, sentence] of [
    [['-f', 'x'], /name of the agent is missing/],
    [['-n', 'a1'], /no configuration/],
    [['-n', 'a1', '-f', 'x', '--bogus'], /unknown option "--bogus"/],
  ] as const) {
    const { status, err } = run('agent', ...words);
    assert.equal(status, 78, words.join(' '));
    assert.match(err, sentence);
  }
});

test('C2.8: flume.opts of --conf is read; a fault in it names the file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-opts-'));
  try {
    writeFileSync(join(folder, 'flume.opts'), '# options\nname = a1\nconf\\-fil = x\n');
    const { status, err } = run('agent', '-c', folder);
    assert.equal(status, 78);
    assert.ok(err.includes(`${join(folder, 'flume.opts')}: "conf-fil" is no option; did you mean --conf-file?`), err);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('JVM options are ignored in one line, and "node" is a deprecated name', () => {
  const { err } = run('--program=flume-ng', 'node', '-Xmx20m', '-javaagent:x.jar', '-n', 'a1');
  assert.match(err, /no Java machine; ignored: -Xmx20m -javaagent:x\.jar\n/);
  assert.match(err, /'node' command is deprecated/);
});

test('help of a kind and of a type; a wrong one is answered with the nearest', () => {
  assert.match(run('help', 'sinks').out, /null +Accepts every event/);
  const netcat = run('help', 'source', 'org.apache.flume.source.NetcatSource');
  assert.match(netcat.out, /max-line-length {2}\(whole number; 1 or more; default 512\)/);
  const json = JSON.parse(run('help', 'source', 'netcat', '--json').out) as { options: { name: string }[] };
  assert.ok(json.options.some(({ name }) => name === 'bind'));
  const wrong = run('help', 'source', 'netcta');
  assert.equal(wrong.status, 64);
  assert.match(wrong.err, /did you mean netcat/);
});

test('other verbs: an unknown option ends with 64', () => {
  const { status, err } = run('check', 'x', '--bogus');
  assert.equal(status, 64);
  assert.match(err, /Unknown argument: bogus/);
});

test('a reader that has seen enough is no fault', async () => {
  const child = spawn(process.execPath, [main, 'help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number];
  assert.deepEqual([status, err], [0, '']);
});
