import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { flumeAvailable } from '../servers/flume.ts';
import { compareFolder, explained } from './compare-verdicts.ts';
import { configCases } from './config-cases.ts';
import { corpusFiles, writeWithVerdicts } from './generate-confs.ts';

/** Another seed for each run, so that in time all of them are seen; the one of a failure is printed. */
const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e6));
const COUNT = 600;

test(`check --as-flume agrees with real Flume 1.11 about ${COUNT} generated and damaged files (MILLRACE_SEED=${seed})`, { skip: flumeAvailable() }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-verdicts-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const corpus = process.env['MILLRACE_CORPUS'] ?? join(import.meta.dirname, '../../../shared/corpus');
  await writeWithVerdicts(folder, configCases(COUNT, seed, existsSync(corpus) ? corpusFiles(corpus) : []));
  const { agents, differences } = await compareFolder(folder);
  assert.equal(agents >= COUNT, true);
  assert.deepEqual(differences.filter((difference) => explained(difference, readFileSync(join(folder, difference.file), 'latin1')) === undefined), []);
});
