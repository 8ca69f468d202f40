import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { faultsOf, PROGRAM_FOLDERS } from './tidy/rules.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function sourceFiles(): readonly string[] {
  return [...PROGRAM_FOLDERS, 'scripts', 'test']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)))
    .map((path) => path.split(sep).join('/'))
    .filter((path) => /\.(ts|js)$/.test(path) && !path.includes('node_modules/'));
}

test('every source file keeps to the rules: imports, names, sizes, what only the edges may do', () => {
  const files = sourceFiles();
  assert.ok(files.length > 50, `only ${files.length} files were found`);
  const faults = files.flatMap((path) => faultsOf(path, readFileSync(join(root, path), 'utf8')));
  assert.deepEqual(faults, []);
});

test('every component that can be created has its test', () => {
  const untested = sourceFiles().filter((path) => {
    if (!/^(sources|channels|sinks|interceptors|serializers)\//.test(path) || path.endsWith('/index.ts')) return false;
    const text = readFileSync(join(root, path), 'utf8');
    return /\bdefine\(/.test(text) && /^ {2}create[:(]/m.test(text) && !existsSync(join(root, 'test', 'unit', path.replace(/\.ts$/, '.test.ts')));
  });
  assert.deepEqual(untested, []);
});

/** The rules themselves, on text that breaks them. */
const BROKEN: readonly (readonly [string, string, RegExp])[] = [
  ['core/a.ts', "import { b } from '../io/b.ts';", /core\/ may not import io\//],
  ['core/a.ts', "import type { b } from '../agent/b.ts';", /may not import agent/],
  ['sources/a.ts', "export { b } from '../sinks/b.ts';", /may not import sinks/],
  ['sources/a.ts', "const b = await import('../channels/b.ts');", /may not import channels/],
  ['sinks/a.ts', "import { b } from '../test/b.ts';", /may not import test/],
  ['agent/a.ts', "import { readFileSync } from 'node:fs';", /opened in io/],
  ['agent/a.ts', "const fs = process.getBuiltinModule('node:fs/promises');", /opened in io/],
  ['monitoring/a.ts', "import {\n  Registry,\n} from 'prom-client';", /a\.ts:1 imports prom-client at the top/],
  ['io/a.ts', "import { b } from './b';", /without its ending/],
  ['io/a.ts', 'process.exit(1);', /process\.exit/],
  ['agent/command-line/verbs.ts', 'const a = `${process.env.HOME}`;', /process\.env/],
  ['io/a.ts', "// fine\nconsole.log('x');", /a\.ts:2 console/],
  ['io/SomeFile.ts', '', /kebab-case/],
  ['io/utils.ts', '', /nothing in particular/],
  ['test/a.ts', 'export default 1;', /default export/],
  ['io/a.ts', '\n'.repeat(600) + 'const a = 1;', /601 lines/],
  ['io/a.ts', `function long(a: { b: number }): { c: number } {\n${'  a.b++;\n'.repeat(70)}}`, /a\.ts:1 function of 72 lines/],
  ['io/a.ts', `class A {\n  async #m(x = '{'): Promise<void> {\n${'    y();\n'.repeat(70)}  }\n}`, /a\.ts:2 function of 72 lines/],
  ['other/a.ts', '', /no place in the import table/],
];

test('the rules find what they forbid', () => {
  for (const [path, text, fault] of BROKEN) assert.match(faultsOf(path, text).join('\n'), fault, `${path}: ${text.slice(0, 60)}`);
});

const FINE: readonly (readonly [string, string])[] = [
  ['agent/a.ts', "import { b } from '../sources/b.ts';\nimport type { C } from 'properties-file';\nconst d = await import('yargs');"],
  ['agent/cli.ts', "import yargs from 'yargs';\nprocess.exit(1);"],
  ['bin/a.ts', "import { main } from '../agent/cli.ts';\nconsole.log(process.env);"],
  ['io/a.ts', "import { readFileSync } from 'node:fs';\n// process.exit and console.log\nconst a = 'process.env'; const b = /console./;"],
  ['io/a.ts', `class A {\n${'  x = 1;\n'.repeat(100)}}`],
  ['io/a.ts', `if (a) {\n${'  b();\n'.repeat(100)}}`],
  ['io/a.ts', 'const a = `${b(`}${"{"}`)} {`;\nconst c = () => { d(/[/{]/); };'],
];

test('the rules leave alone what is allowed', () => {
  for (const [path, text] of FINE) assert.deepEqual(faultsOf(path, text), [], text);
});
