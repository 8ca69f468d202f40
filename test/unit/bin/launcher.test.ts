import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
const BASE_PATH = '/usr/bin:/bin';
/** In the place of Node: one line per argument, then what the environment says. */
const FAKE_NODE = '#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\nprintf "FROM_ENV=%s\\n" "${FROM_ENV:-}"\n';

let top = '';
let home = '';

before(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-launcher-')));
  home = install(join(top, 'lib', 'node_modules', 'millrace'));
});
after(() => rmSync(top, { recursive: true }));

/** An installation with launchers only, whose Node tells what it was called with. */
function install(at: string, node = join(at, 'node_modules', `node-linux-${arch}`, 'bin', 'node')): string {
  mkdirSync(join(at, 'bin'), { recursive: true });
  for (const name of ['millrace', 'flume-ng', 'launcher.sh']) cpSync(join(root, 'bin', name), join(at, 'bin', name));
  if (node !== '') program(node, FAKE_NODE);
  mkdirSync(join(at, 'dist', 'bin'), { recursive: true });
  writeFileSync(join(at, 'dist', 'bin', 'millrace.js'), '');
  return at;
}

function program(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

interface Ran {
  readonly status: number | null;
  readonly out: readonly string[];
  readonly err: string;
}

function run(command: string, words: readonly string[], options: { env?: Record<string, string>; cwd?: string } = {}): Ran {
  const env = { PATH: BASE_PATH, ...options.env };
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8', env, cwd: options.cwd ?? top });
  return { status, out: stdout.trimEnd().split('\n'), err: stderr };
}

const isMain = (line: string): boolean => /bin\/millrace\.(js|ts)$/.test(line);
/** What Node itself is told, and what the program is: from the path of the program on. */
const flags = (out: readonly string[]): readonly string[] => out.slice(0, out.findIndex(isMain));
const words = (out: readonly string[]): readonly string[] => out.slice(out.findIndex(isMain)).filter((line) => !line.startsWith('FROM_ENV'));

test('arguments reach Node as they are, through links and from any folder', () => {
  const link = join(top, 'a link');
  symlinkSync(join(home, 'bin', 'millrace'), join(top, 'first'));
  symlinkSync('first', link);
  const given = ['check', 'a b', '*', '', '$HOME', '-c', 'x y'];
  const { status, out } = run(link, given, { cwd: '/' });
  assert.equal(status, 0);
  assert.deepEqual(words(out), [join(home, 'dist', 'bin', 'millrace.js'), ...given.slice(0, 1), ...given.slice(1)]);
  assert.ok(flags(out).length > 0, 'flags for memory');
});

test('flume-ng passes its name on', () => {
  const { out } = run(join(home, 'bin', 'flume-ng'), ['version']);
  assert.deepEqual(words(out).slice(1), ['--program=flume-ng', 'version']);
});

test('2.2: flume-env.sh of --conf is read, bash or not; JAVA_OPTS counts only from there, the command line last', () => {
  const conf = join(top, 'the conf');
  mkdirSync(conf, { recursive: true });
  const env = ['export FROM_ENV="x y"', 'if [[ -n a ]]; then JAVA_OPTS="-Xmx100m -Da=1 -Db=*"; fi', 'FLUME_CLASSPATH=/p:/q'];
  writeFileSync(join(conf, 'flume-env.sh'), `${env.join('\n')}\n`);
  const settings = { env: { JAVA_OPTS: '-Dgone=1', FLUME_CLASSPATH: '/gone', FLUME_JAVA_OPTS: '-Dc=3' } };
  const { out } = run(join(home, 'bin', 'flume-ng'), ['agent', '-n', 'a1', '-c', 'the conf', '-Da=2'], settings);
  const expected = ['agent', '-Xmx100m', '-Da=1', '-Db=*', '-Dc=3', '--classpath', '/p:/q', '-n', 'a1', '-c', 'the conf', '-Da=2'];
  assert.deepEqual(words(out).slice(2), expected);
  assert.ok(out.includes('FROM_ENV=x y'));
});

test('2.1: --conf without a directory ends with 1, a missing directory is a warning', () => {
  const missing = run(join(home, 'bin', 'flume-ng'), ['agent', '-n', 'a1', '-c']);
  assert.equal(missing.status, 1);
  assert.match(missing.err, /needs a directory/);
  const nowhere = run(join(home, 'bin', 'flume-ng'), ['agent', '--conf', 'nowhere', '-n', 'a1']);
  assert.equal(nowhere.status, 0);
  assert.match(nowhere.err, /Warning: .*nowhere does not exist/);
});

test('C2.3: --dryrun shows the command and does not run it', () => {
  const given = ['agent', '-d', '-c', 'conf', '-n', 'a1', '-f', "it's", '-Dfoo=bar', '-Xss1m', '-C', '/e.jar', '--no-reload-conf'];
  const { status, out } = run(join(home, 'bin', 'flume-ng'), given);
  assert.equal(status, 0);
  assert.equal(out.length, 1);
  assert.match(out[0] ?? '', /dist\/bin\/millrace\.js .*agent -c conf -n a1 -f 'it'\\''s' -Dfoo=bar -Xss1m -C \/e\.jar --no-reload-conf$/);
});

test('the Node of an installation above is found', () => {
  const project = join(top, 'project');
  const at = install(join(project, 'node_modules', 'millrace'), join(project, 'node_modules', `node-linux-${arch}`, 'bin', 'node'));
  assert.equal(run(join(at, 'bin', 'millrace'), ['version']).status, 0);
});

test('without a Node of its own: one of PATH from 24 on, else a sentence', () => {
  const at = install(join(top, 'alone'), '');
  const path = join(top, 'path');
  const node = join(path, 'node');
  const withPath = { env: { PATH: `${path}:${BASE_PATH}` } };
  program(node, `#!/bin/sh\nif [ "$1" = -p ]; then echo 24.1.0; else exec ${join(home, 'node_modules', `node-linux-${arch}`, 'bin', 'node')} "$@"; fi\n`);
  assert.deepEqual(words(run(join(at, 'bin', 'millrace'), ['version'], withPath).out).slice(1), ['version']);

  program(node, '#!/bin/sh\necho 20.11.1\n');
  const old = run(join(at, 'bin', 'millrace'), ['version'], withPath);
  assert.equal(old.status, 69);
  assert.match(old.err, /Node 24 or newer is needed; .* is 20\.11\.1\. Run 'npm ci'/);

  program(node, '#!/bin/sh\nexit 1\n');
  assert.match(run(join(at, 'bin', 'millrace'), ['version'], withPath).err, /does not answer with its version/);

  const chosen = join(home, 'node_modules', `node-linux-${arch}`, 'bin', 'node');
  assert.equal(run(join(at, 'bin', 'millrace'), ['version'], { env: { MILLRACE_NODE: chosen } }).status, 0);
  assert.match(run(join(at, 'bin', 'millrace'), ['version'], { env: { MILLRACE_NODE: '/nowhere' } }).err, /MILLRACE_NODE/);
});

test('a checkout runs its sources where dist/ is missing or older, or when told to', () => {
  const at = install(join(top, 'checkout'));
  const source = join(at, 'bin', 'millrace.ts');
  mkdirSync(join(at, 'agent'));
  writeFileSync(join(at, 'agent', 'cli.ts'), '');
  const built = join(at, 'dist', 'bin', 'millrace.js');
  const main = (env: Record<string, string> = {}): string => words(run(join(at, 'bin', 'millrace'), ['version'], { env }).out)[0] ?? '';
  assert.equal(main(), source, 'nothing says when it was built');
  writeFileSync(join(at, 'dist', 'build.json'), '{}');
  const past = new Date(Date.now() - 60_000);
  utimesSync(join(at, 'agent', 'cli.ts'), past, past);
  assert.equal(main(), built);
  assert.equal(main({ MILLRACE_DEV: '1' }), source);
  mkdirSync(join(at, 'core'));
  writeFileSync(join(at, 'core', 'batch.ts'), '');
  const future = new Date(Date.now() + 60_000);
  utimesSync(join(at, 'core', 'batch.ts'), future, future);
  assert.equal(main(), source);
});

test('the launcher becomes Node: exit codes and signals are its own', async () => {
  const at = install(join(top, 'signals'), '');
  program(join(at, 'node_modules', `node-linux-${arch}`, 'bin', 'node'), '#!/bin/sh\ntrap "exit 7" TERM\necho $$\nwhile :; do sleep 0.05; done\n');
  const child = spawn(join(at, 'bin', 'millrace'), ['agent'], { env: { PATH: BASE_PATH }, stdio: ['ignore', 'pipe', 'inherit'] });
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  assert.equal(Number(chunk.toString()), child.pid);
  child.kill('SIGTERM');
  const [status] = (await once(child, 'exit')) as [number];
  assert.equal(status, 7);
});

test('both launchers are plain sh', () => {
  for (const shell of ['dash', 'bash', 'busybox'].filter((name) => existsSync(`/bin/${name}`))) {
    const prefix = shell === 'busybox' ? ['sh', '-n'] : ['-n'];
    assert.equal(spawnSync(`/bin/${shell}`, [...prefix, join(root, 'bin', 'launcher.sh')]).status, 0, shell);
  }
});
