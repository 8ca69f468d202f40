import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { credentialsFilter } from '../../../../agent/config-filters/credentials.ts';
import type { PartContext } from '../../../../core/component.ts';
import { LISTS, planTexts, C, K } from '../planning.ts';

const conf = (key: string, more = ''): string =>
  `a1.configfilters = f\na1.configfilters.f.type = credentials\n${more}${LISTS}${C}${K}a1.sources.r1.type = exec\na1.sources.r1.channels = c1\na1.sources.r1.command = login \${f[${key}]}\n`;

test('credentials of a service: the file of that name, without the line feed at its end', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-credentials-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'store-password'), 'pass ${x}word\n');
  const env = { CREDENTIALS_DIRECTORY: folder };
  const { agents, problems } = await planTexts([conf('store-password')], 'millrace', { env });
  assert.equal(agents[0]?.sources[0]?.values['command'], 'login pass ${x}word');
  assert.equal(JSON.stringify(problems).includes('pass '), false);
  const elsewhere = await planTexts([conf('store-password', `a1.configfilters.f.directory = ${folder}\n`)], 'millrace', { env: {} });
  assert.equal(elsewhere.agents[0]?.sources[0]?.values['command'], 'login pass ${x}word');
});

test('credentials: no such file, a name that leads elsewhere and no directory are each said, and give nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-credentials-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const told = async (key: string, env: Record<string, string>): Promise<string> => {
    const { problems } = await planTexts([conf(key)], 'millrace', { env });
    return problems.map(({ sentence }) => sentence).join('; ');
  };
  assert.match(await told('nope', { CREDENTIALS_DIRECTORY: folder }), /config filter f gives nothing for "nope"/);
  const filter = await credentialsFilter.create?.({ env: new Map() } as unknown as PartContext, { directory: folder });
  for (const key of ['../../etc/passwd', '..', '.', '']) await assert.rejects(async () => filter?.lookUp(key), /is no name of a credential/);
  assert.match(await told('nope', {}), /no directory of credentials/);
});
