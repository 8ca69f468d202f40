import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Without the Node of this repository: only what the machine has by itself. */
const PATH = (process.env.PATH ?? '')
  .split(':')
  .filter((folder) => !folder.includes('node_modules'))
  .join(':');
const CONF = [
  'a1.sources = r1\na1.channels = c1\na1.sinks = k1',
  'a1.sources.r1.type = netcat\na1.sources.r1.bind = 127.0.0.1\na1.sources.r1.port = 0\na1.sources.r1.channels = c1',
  'a1.channels.c1.type = memory\na1.sinks.k1.type = null\na1.sinks.k1.channel = c1\n',
].join('\n');

/** Packages whose install script only looks for the binary that they bring along: they work without it. */
const PREBUILT = ['node_modules/koffi', 'node_modules/classic-level'];

let top = '';
let elsewhere = '';
/** Why nothing could be installed, where that is no fault of ours. */
let missing: string | undefined;

before(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-package-')));
  elsewhere = join(top, 'else where');
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'a.conf'), CONF);
});
after(() => rmSync(top, { recursive: true, force: true }));

/** A copy to build in, so that the dist/ of the repository stays as it is for whoever uses it meanwhile. */
function copyOfSources(name: string): string {
  const copy = join(top, name);
  const left = new Set(['node_modules', 'dist', '.git', '.cache', 'test']);
  cpSync(root, copy, { recursive: true, filter: (path) => !left.has(path.slice(root.length)) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

function npm(cwd: string, ...words: readonly string[]): string {
  const env = { ...process.env, PATH, npm_config_update_notifier: 'false' };
  const { status, stdout, stderr, error } = spawnSync('npm', words, { cwd, env, encoding: 'utf8', timeout: 300_000 });
  if (error && (error as NodeJS.ErrnoException).code === 'ENOENT') throw new Missing('npm is not installed');
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENOTCACHED/.test(stderr)) throw new Missing('the registry of npm cannot be reached');
  assert.equal(status, 0, `npm ${words.join(' ')}\n${stderr}`);
  return stdout;
}

class Missing extends Error {}

function run(command: string, ...words: readonly string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(join(top, 'prefix', 'bin', command), words, { cwd: elsewhere, env: { PATH }, encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
}

function installed(t: TestContext): boolean {
  if (missing !== undefined) t.skip(missing);
  return missing === undefined;
}

test('X22: the package is built, twice with the same result, and holds what runs and nothing else', (t) => {
  try {
    const first = copyOfSources('first');
    const archive = join(top, npm(first, 'pack', '--pack-destination', top).trim().split('\n').at(-1) ?? '');
    assert.ok(statSync(archive).size < 5_000_000);
    const listing = spawnSync('tar', ['-tzf', archive], { encoding: 'utf8' }).stdout.trim().split('\n');
    for (const path of ['bin/millrace', 'bin/flume-ng', 'bin/launcher.sh', 'dist/bin/millrace.js', 'conf/quickstart.properties', 'README.md', 'LICENSE']) {
      assert.ok(listing.includes(`package/${path}`), path);
    }
    assert.deepEqual(
      listing.filter((path) => /\.ts$|\/test\/|\/scripts\/|node_modules/.test(path)),
      [],
    );
    const second = copyOfSources('other');
    npm(second, 'run', 'prepare');
    const checksum = (copy: string): unknown => (JSON.parse(readFileSync(join(copy, 'dist', 'build.json'), 'utf8')) as { checksum: string }).checksum;
    assert.equal(checksum(first), checksum(second));
    npm(elsewhere, 'install', '--global', '--prefix', join(top, 'prefix'), '--prefer-offline', '--no-audit', '--no-fund', archive);
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    missing = error.message;
    t.skip(missing);
  }
});

test('both commands work from any folder under the Node of the machine', (t) => {
  if (!installed(t)) return;
  const version = run('millrace', 'version');
  assert.equal(version.status, 0, version.err);
  assert.match(version.out, /^millrace \d.*Node 24\./);
  assert.match(run('flume-ng', 'version').out, /^Flume 1\.11\.0 \(Millrace/);
  const checked = run('millrace', 'check', 'a.conf');
  assert.equal(checked.status, 0, checked.out + checked.err);
  assert.match(run('millrace', 'help', 'sink', 'null').out, /Accepts every event/);
  assert.equal(run('flume-ng', 'agent', '-n', 'a1', '-f', 'missing.conf').status, 78);
});

test('a plug-in of an installed program imports from millrace', (t) => {
  if (!installed(t)) return;
  const plugin = "import { define } from 'millrace';\nexport const plugin = define('interceptor', { types: ['mine'], summary: 'Passes.', options: {}, create: () => ({ intercept: (batch) => batch }) });\n";
  writeFileSync(join(elsewhere, 'mine.mjs'), plugin);
  writeFileSync(join(elsewhere, 'plugin.conf'), `${CONF}a1.sources.r1.interceptors = i1\na1.sources.r1.interceptors.i1.type = ./mine.mjs\n`);
  const { status, out, err } = run('millrace', 'check', 'plugin.conf');
  assert.equal(status, 0, out + err);
});

test('an installed agent runs and stops', async (t) => {
  if (!installed(t)) return;
  const child = spawn(join(top, 'prefix', 'bin', 'flume-ng'), ['agent', '-n', 'a1', '-c', '.', '-f', 'a.conf'], {
    cwd: elsewhere,
    env: { PATH, HOME: elsewhere },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let log = '';
  for await (const chunk of child.stdout) {
    log += String(chunk);
    if (/agent runs/.test(log)) break;
  }
  assert.match(log, /a1\.sources\.r1 {2}listens/);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});

test('X22: no dependency needs an install script, and every version is exact', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { hasInstallScript?: boolean; integrity?: string; dev?: boolean; optionalDependencies?: Record<string, string> }>;
  };
  const facts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, Record<string, string> | undefined>;
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '') continue;
    assert.ok(entry.integrity, `${path} has no hash`);
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      assert.ok(`node_modules/${name}` in lock.packages, `npm ci would refuse the lock file, for ${name}: node scripts/trim-lockfile.js`);
    }
    if (!entry.dev && entry.hasInstallScript) assert.ok(PREBUILT.includes(path), `${path} runs a script when it is installed`);
  }
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    for (const [name, version] of Object.entries(facts[kind] ?? {})) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  }
  assert.ok(existsSync(join(root, 'package-lock.json')) && readdirSync(root).includes('.npmrc'));
});
