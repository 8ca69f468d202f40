// Compiles the sources to dist/, which the launcher and the package run. Plain JavaScript: `npm ci` runs it before anything else is there,
// with whatever Node the machine has. Types are checked by `npm run check`, not here.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const compiler = join(home, 'node_modules', 'typescript', 'bin', 'tsc');
const target = join(home, 'dist');
const fresh = join(home, `dist.${process.pid}`);

if (!existsSync(compiler)) {
  // Installed without development dependencies: the package brings dist/ with it, and a checkout runs its sources.
  console.error('build: TypeScript is not installed; dist/ is left as it is');
} else {
  build();
}

function build() {
  rmSync(fresh, { recursive: true, force: true });
  const args = [compiler, '-p', join(home, 'tsconfig.build.json'), '--noCheck', '--outDir', fresh];
  const { status, signal, error } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Error(`build: the compiler ended with ${String(status ?? signal ?? error)}`);
  }
  writeFileSync(join(fresh, 'build.json'), `${JSON.stringify(facts())}\n`);
  // Swapped in two renames, so that whoever starts the agent meanwhile finds one whole build or the other.
  const old = `${target}.old.${process.pid}`;
  if (existsSync(target)) renameSync(target, old);
  renameSync(fresh, target);
  rmSync(old, { recursive: true, force: true });
}

function facts() {
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const git = (...args) => {
    const { status, stdout } = spawnSync('git', ['-C', home, ...args], { encoding: 'utf8' });
    return status === 0 && existsSync(join(home, '.git')) ? stdout.trim() : 'unknown';
  };
  return { version, revision: git('rev-parse', 'HEAD'), date: git('log', '-1', '--format=%cI'), checksum: checksum() };
}

function checksum() {
  const hash = createHash('sha256');
  const files = readdirSync(fresh, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const path of files.map((entry) => join(entry.parentPath, entry.name)).sort()) {
    hash.update(`${path.slice(fresh.length)}\0`).update(readFileSync(path));
  }
  return hash.digest('hex');
}
