// npm test: every test, in three groups. Those that need what the machine does not have (a JVM, root) say so and are left out by name.
// Arguments name files or folders to run instead of all: `npm test -- test/unit/agent`. Plain JavaScript, since it runs before anybody
// knows which Node there is.
//
//   unit   in one process each group, since a process for each of hundreds of files costs more than the tests
//   alone  test files that change what a process has only one of; a process each
//   slow   processes, packages, long loops; a process each
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const given = process.argv.slice(2);
const wanted = given.length > 0 ? given : ['test'];
const files = wanted
  .flatMap((path) => testFiles(join(home, path)))
  // They start a systemd of their own, and are asked for by name: npm run test:systemd.
  .filter((path) => given.length > 0 || !path.startsWith('test/systemd/'));
if (files.length === 0) {
  console.error(`no test file in ${wanted.join(', ')}`);
  process.exit(1);
}

const together = files.filter((path) => groupOf(path) === 'unit');
const alone = files.filter((path) => groupOf(path) !== 'unit');
let failed = false;
if (together.length > 0) failed = !run(['--test-isolation=none', '--test-force-exit', '--test-timeout=120000', ...together]) || failed;
if (alone.length > 0) failed = !run(['--test-concurrency=2', `--test-timeout=${process.env.MILLRACE_LONG === '1' ? 14_400_000 : 600_000}`, ...alone]) || failed;
process.exit(failed ? 1 : 0);

function testFiles(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [relative(home, path)];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => relative(home, join(path, name)))
    .sort();
}

/** A file that mocks timers for the whole process, changes its environment or its signals must say `// test: alone` at its top. */
function groupOf(path) {
  if (!path.startsWith('test/unit/')) return 'slow';
  return /^\/\/ test: alone/m.test(readFileSync(join(home, path), 'utf8').slice(0, 500)) ? 'alone' : 'unit';
}

function run(args) {
  const { status } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', '--test', ...args], { cwd: home, stdio: 'inherit' });
  return status === 0;
}
