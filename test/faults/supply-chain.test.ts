// X22. What the package holds, that it is built twice with the same result, and that no dependency needs an install script:
// test/packaging.test.ts. `npm audit` needs a service that is not asked here.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, startAgent } from '../harness/agent.ts';
import { netcatConf } from '../harness/conf.ts';
import { exchange } from './numbered-lines.ts';

const UNREACHABLE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENOTCACHED|ENETUNREACH/;

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly resolved?: string;
}

async function lockedPackages(): Promise<readonly (readonly [string, LockedPackage])[]> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, LockedPackage> };
  return Object.entries(lock.packages).filter(([name]) => name !== '');
}

test('X22 a clean install from the lock file with scripts disabled gives an agent that runs from its sources', async (t) => {
  const copy = await mkdtemp(join(tmpdir(), 'millrace-install-'));
  t.after(() => rm(copy, { recursive: true, force: true }));
  const left = ['/node_modules', '/dist', '/.git', '/.cache', '/test'];
  await cp(root, copy, { recursive: true, filter: (path) => !left.some((name) => `/${path.slice(root.length)}`.startsWith(name)) });
  const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  const { status, stderr, error } = spawnSync('npm', words, { cwd: copy, encoding: 'utf8', timeout: 180_000 });
  if (error !== undefined) return t.skip(`npm does not run here: ${error.message}`);
  if (UNREACHABLE.test(stderr)) return t.skip('the registry of npm cannot be reached, and the packages are not in its cache');
  assert.equal(status, 0, stderr);
  const agent = await startAgent({
    command: join(copy, 'bin', 'millrace'),
    env: { MILLRACE_DEV: '1' },
    conf: netcatConf(),
  });
  t.after(() => agent.stop());
  await agent.ready();
  assert.equal(await exchange(await agent.port('r1'), 'one\ntwo\n'), 'OK\nOK\n');
  await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 2);
  assert.equal(await agent.stop(), 0);
});

test('X22 every package of the lock file is pinned with a hash, and has a licence that allows its use', async (t) => {
  const packages = await lockedPackages();
  const allowed = /\b(?:MIT|ISC|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|0BSD|CC0-1\.0|BlueOak-1\.0\.0|Python-2\.0|Unlicense)\b/;
  for (const [name, { version, integrity, resolved, license }] of packages) {
    assert.match(version ?? '', /^\d+\.\d+\.\d+/, name);
    assert.match(integrity ?? '', /^sha512-/, name);
    // The lock file names no registry; where it does, it has to be one over TLS.
    assert.match(resolved ?? 'https://', /^https:\/\//, name);
    assert.match(license ?? 'none given', allowed, name);
  }
  const kinds = new Map<string, number>();
  for (const [, { license = '' }] of packages) kinds.set(license, (kinds.get(license) ?? 0) + 1);
  const run = packages.filter(([, { dev }]) => dev !== true).map(([name]) => name.replace('node_modules/', ''));
  t.diagnostic(`${packages.length} packages, licences: ${[...kinds].map(([license, count]) => `${license} ${count}`).join(', ')}`);
  t.diagnostic(`not only for development: ${run.join(', ')}`);
});
