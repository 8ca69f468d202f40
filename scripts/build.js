// Builds dist/, which the launcher and the package run: a few files in place of 200 modules, because each module costs start-up time and
// memory. Plain JavaScript: `npm ci` runs it with whatever Node the machine has. Types are checked by `npm run check`, not here.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kafkaLibrary } from './kafka-library.js';
import { mergeChunks } from './merge-chunks.js';

/**
 * Packages that every agent loads are built in, with their licences beside them; all others are imported when a component needs them.
 * webhdfs is built in as well, in a chunk of its own: below an installed package npm would bring the request that it asks for, and not
 * the maintained one that stands in for it here (overrides count at the top only). So is the library for Kafka, without what it would
 * load for nothing (kafka-library.js).
 */
const BUILT_IN = ['@platformatic/kafka', 'properties-file', 'properties-reader', 'webhdfs', 'yargs'];

/** Packages in the older module format call `require` for modules of Node. */
const BANNER = "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(home, 'dist');
const fresh = join(home, `dist.${process.pid}`);

if (!existsSync(join(home, 'node_modules', 'esbuild'))) {
  // Installed without development dependencies: the package brings dist/ with it, and a checkout runs its sources.
  console.error('build: esbuild is not installed; dist/ is left as it is');
} else {
  await build();
}

async function build() {
  const { build: bundle } = await import('esbuild');
  rmSync(fresh, { recursive: true, force: true });
  const { dependencies = {}, optionalDependencies = {} } = packageFacts(home);
  const { metafile } = await bundle({
    absWorkingDir: home,
    entryPoints: { 'bin/millrace': 'bin/millrace.ts', 'agent/plugins/kit': 'agent/plugins/kit.ts' },
    outdir: fresh,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Names stay, for those who read the stack of an error; 2 MB of memory are what blanks and comments cost.
    minifyWhitespace: true,
    minifySyntax: true,
    metafile: true,
    // Used by calls of webhdfs that are never made, and not fit for strict mode.
    alias: { 'buffer-stream-reader': 'node:stream' },
    logLevel: 'warning',
    plugins: [kafkaLibrary],
    external: Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => !BUILT_IN.includes(name)),
    banner: { js: BANNER },
  });
  const below = ({ path, ...rest }) => ({ ...rest, path: relative(fresh, join(home, path)) });
  const outputs = Object.fromEntries(Object.entries(metafile.outputs).map(([path, output]) => [below({ path }).path, { ...output, imports: output.imports.map((each) => (each.external ? each : below(each))) }]));
  await mergeChunks(bundle, { folder: fresh, outputs, sources: ['bin/millrace.ts', 'agent/commands/agent.ts'], banner: BANNER });
  writeFileSync(join(fresh, 'licences.txt'), licences(Object.keys(metafile.inputs)));
  writeFileSync(join(fresh, 'build.json'), `${JSON.stringify(facts())}\n`);
  // Swapped in two renames, so that whoever starts the agent meanwhile finds one whole build or the other.
  const old = `${target}.old.${process.pid}`;
  if (existsSync(target)) renameSync(target, old);
  renameSync(fresh, target);
  rmSync(old, { recursive: true, force: true });
}

/** Name, version and licence text of every package that was built in. */
function licences(inputs) {
  const folders = new Set(inputs.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = packageFacts(join(home, folder));
    const file = readdirSync(join(home, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : `\n${readFileSync(join(home, folder, file), 'utf8').trim()}\n`;
    return `${name} ${version} (${license})\n${text}`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

function packageFacts(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function facts() {
  const { version } = packageFacts(home);
  const git = (...args) => {
    const { status, stdout } = spawnSync('git', ['-C', home, ...args], { encoding: 'utf8' });
    return status === 0 && existsSync(join(home, '.git')) ? stdout.trim() : 'unknown';
  };
  return { version, revision: git('rev-parse', 'HEAD'), date: git('log', '-1', '--format=%cI'), checksum: checksum(), builtIn: BUILT_IN };
}

function checksum() {
  const hash = createHash('sha256');
  const files = readdirSync(fresh, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const path of files.map((entry) => join(entry.parentPath, entry.name)).sort()) {
    hash.update(`${path.slice(fresh.length)}\0`).update(readFileSync(path));
  }
  return hash.digest('hex');
}
