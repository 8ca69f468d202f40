// What every agent loads becomes one file. esbuild cuts a chunk for each set of entries that share some code, so that each type of
// component that is loaded on demand makes the chunks of all agents smaller and more; with 60 of them Node spends more time on finding
// files than on running them, and its optimising compiler on the code that does, which costs 6 MB.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const MERGED = 'chunks/millrace.js';
const IMPORT = /import(?:\{([^}]*)\}from)?"(\.[^"]+)";/g;

/**
 * Merges the outputs, in `folder`, that the entries of these sources cannot do without. `outputs` is that of the metafile, its paths below
 * `folder`; `banner` is what each of them begins with.
 */
export async function mergeChunks(bundle, { folder, outputs, sources, banner }) {
  const members = closureOf(outputs, sources);
  const exported = new Map(members.map((path, at) => [path, new Map(outputs[path].exports.map((name) => [name, `${name}_${at}`]))]));
  const { outputFiles } = await bundle({
    stdin: { contents: members.map((path) => reexports(exported.get(path), `./${path}`)).join(''), resolveDir: folder },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
    banner: { js: banner },
    plugins: [onlyMembers(folder, members, banner)],
  });
  for (const [path, { entryPoint }] of Object.entries(outputs)) {
    if (exported.has(path)) {
      // Whoever loads it on demand finds it still.
      if (entryPoint === undefined) rmSync(join(folder, path));
      else writeFileSync(join(folder, path), reexports(new Map([...exported.get(path)].map(([name, unique]) => [unique, name])), `./${basename(MERGED)}`));
    } else {
      writeFileSync(join(folder, path), importsOf(readFileSync(join(folder, path), 'utf8'), exported));
    }
  }
  writeFileSync(join(folder, MERGED), outputFiles[0].contents);
}

/** The outputs of the entries and all that they import at once, without those that stay files of their own. */
function closureOf(outputs, sources) {
  const open = Object.keys(outputs).filter((path) => sources.includes(outputs[path].entryPoint));
  if (open.length !== sources.length) throw new Error(`build: not all of ${sources.join(', ')} are entries`);
  const found = new Set();
  for (const path of open) {
    if (found.has(path)) continue;
    found.add(path);
    open.push(...outputs[path].imports.flatMap(({ kind, external, path: target }) => (kind === 'import-statement' && !external ? [target] : [])));
  }
  return [...found].filter((path) => path.startsWith('chunks/'));
}

function reexports(names, from) {
  const list = [...names].map(([name, as]) => `${name} as ${as}`).join();
  return list === '' ? `import"${from}";` : `export{${list}}from"${from}";`;
}

/** The text of a chunk with what it imports from merged ones taken from where it is now. */
function importsOf(text, exported) {
  return text.replace(IMPORT, (statement, list, from) => {
    const names = exported.get(`chunks/${basename(from)}`);
    if (!names) return statement;
    // What is imported for its effects alone is loaded already: everything that runs begins with the merged file.
    if (list === undefined) return '';
    const renamed = list.split(',').map((item) => {
      const [name, local = name] = item.split(' as ');
      if (!names.has(name)) throw new Error(`build: ${from} does not export ${name}`);
      return `${names.get(name)} as ${local}`;
    });
    return `import{${renamed.join()}}from"${from.slice(0, -basename(from).length)}${basename(MERGED)}";`;
  });
}

function onlyMembers(folder, members, banner) {
  const inside = new Set(members.map((path) => join(folder, path)));
  return {
    name: 'only what is merged',
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ path, resolveDir, kind }) => {
        const target = join(resolveDir, path);
        if (path.startsWith('.') && kind !== 'dynamic-import' && inside.has(target)) return { path: target };
        return { path, external: true };
      });
      build.onLoad({ filter: /\.js$/ }, ({ path }) => ({ contents: readFileSync(path, 'utf8').replace(banner, '') }));
    },
  };
}
