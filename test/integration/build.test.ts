import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));

function filesBehind(path: string): readonly string[] {
  return [...readFileSync(join(dist, path), 'utf8').matchAll(/(?:from|import)"\.[^"]*\/([^"/]+)"/g)].map(([, name]) => `chunks/${name ?? ''}`);
}

test('what every agent loads is one file, and no file of the build asks for one that is not there', { skip: !existsSync(dist) && 'there is no build' }, () => {
  for (const path of readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'))) {
    for (const behind of filesBehind(path)) assert.ok(existsSync(join(dist, behind)), `${path} asks for ${behind}`);
  }
  assert.deepEqual([...new Set(filesBehind('bin/millrace.js'))], ['chunks/millrace.js']);
  assert.deepEqual(filesBehind('chunks/millrace.js'), []);
});
