import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { check } from '../agent/commands/check.ts';
import { CATALOGUE } from '../agent/problems/catalogue.ts';
import { renderDocs } from '../scripts/generate-docs.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
let pages: ReadonlyMap<string, string>;

before(async () => {
  pages = await renderDocs();
});

test('the generated pages are what npm run docs would write', () => {
  for (const [path, text] of pages) assert.ok(existsSync(join(root, 'docs', path)) && read(`docs/${path}`) === text, `docs/${path} is old: npm run docs`);
  const known = [...pages.keys()].map((path) => path.replace('components/', ''));
  for (const name of readdirSync(join(root, 'docs', 'components'))) assert.ok(known.includes(name), `docs/components/${name} belongs to nothing`);
});

test('every error code in the sources is in the catalogue', () => {
  const missing = sources().flatMap((path) =>
    [...read(path).matchAll(/(?:super\(|problem\(|AgentError\()\s*'(M\d{3})'/g)].flatMap(([, code = '']) => (code in CATALOGUE ? [] : [`${path}: ${code}`])),
  );
  assert.deepEqual(missing, []);
});

test('a code of a running agent has one meaning: it is used in one file', () => {
  const places = new Map<string, string>();
  for (const path of sources()) {
    for (const [, code = ''] of read(path).matchAll(/(?:super\(|new AgentError\()\s*'(M1\d\d)'/g)) {
      assert.equal(places.get(code) ?? path, path, code);
      places.set(code, path);
    }
  }
  assert.ok(places.size > 5);
});

test('every example is planned without a problem', async () => {
  const files = readdirSync(join(root, 'conf')).filter((name) => name.endsWith('.properties'));
  assert.ok(files.length >= 10);
  for (const name of files) {
    let said = '';
    const io = { out: (text: string) => void (said += text), err: (text: string) => void (said += text), colour: false };
    const surroundings = { env: new Map([['HOME', '/home/a']]), systemProperties: new Map<string, string>() };
    const args = { files: [join(root, 'conf', name)], pluginsPath: [], strict: true, asFlume: false, json: false };
    assert.equal(await check(args, { ...io, ...surroundings }), 0, said);
  }
});

/** Pages written by hand. */
function handwritten(): readonly string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((path) => `docs/${path}`);
  const written = docs.filter((path) => path.endsWith('.md') && !pages.has(path.slice('docs/'.length)));
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...written];
}

test('links between pages lead somewhere', () => {
  for (const page of [...handwritten(), ...[...pages.keys()].map((path) => `docs/${path}`)]) {
    for (const [, target = ''] of read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      assert.ok(existsSync(join(root, dirname(page), target)), `${page}: ${target}`);
    }
  }
});

test('what the pages tell people to run is there: scripts, verbs, files', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const verbs = ['agent', 'channel', 'check', 'dead-letters', 'demo', 'explain', 'help', 'positions', 'status', 'topology', 'version', 'node', 'avro-client', 'tool'];
  for (const page of handwritten()) {
    const text = read(page);
    for (const [, script = ''] of text.matchAll(/\bnpm run ([a-z:-]+)/g)) assert.ok(scripts[script], `${page}: npm run ${script}`);
    for (const [, verb = ''] of text.matchAll(/^\$? ?(?:bin\/)?(?:millrace|flume-ng) ([a-z-]+)/gm)) assert.ok(verbs.includes(verb), `${page}: ${verb}`);
    for (const [, path = ''] of text.matchAll(/(?:-f|--conf-file|check) (conf\/[\w.-]+)/g)) assert.ok(existsSync(join(root, path)), `${page}: ${path}`);
    for (const [, path = ''] of text.matchAll(/`((?:agent|core|io|sources|channels|sinks|test|scripts|conf|docs|bin)\/[\w./-]+\.\w+)`/g)) {
      assert.ok(existsSync(join(root, path)) || /name|your|my-|append/.test(path), `${page}: ${path}`);
    }
  }
});

function sources(): readonly string[] {
  return ['agent', 'core', 'io', 'sources', 'channels', 'sinks', 'interceptors', 'serializers', 'protocols', 'monitoring'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => join(folder, path)),
  );
}
