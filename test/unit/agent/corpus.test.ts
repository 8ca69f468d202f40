import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { check } from '../../../agent/commands/check.ts';
import type { CommandIo } from '../../../agent/command-line/types.ts';

/** Flume configurations of other people and what Flume 1.11 makes of them; handed to the project, not part of it. */
const folder = process.env['MILLRACE_CORPUS'] ?? join(import.meta.dirname, '../../../../shared/corpus');

interface Verdict {
  readonly file: string;
  readonly agent: string;
  readonly verdict: string;
  readonly sources: readonly string[];
  readonly channels: readonly string[];
  readonly sinks: readonly string[];
  readonly sinkgroups: readonly string[];
  readonly dropped: readonly { readonly component: string }[];
  readonly fatal: string | null;
}

test('every file of the corpus gets the verdict that Flume 1.11 gives it', { skip: existsSync(folder) ? false : `left out: there is no ${folder}` }, async () => {
  const expected = expectedVerdicts();
  const files = [...new Set(expected.map(({ file }) => file))].sort();
  const lines: string[] = [];
  const io: CommandIo = { out: (text) => lines.push(text), err: (text) => lines.push(text), colour: false, env: new Map(), systemProperties: new Map() };
  const args = { files: files.map((file) => join(folder, file)), pluginsPath: [], strict: false, asFlume: true, json: true };
  assert.equal(await check(args, io), 0);
  const found = new Map(lines.map((line) => JSON.parse(line) as Verdict).map((each) => [`${each.file.slice(folder.length + 1)} ${each.agent}`, each]));
  const wrong: unknown[] = [];
  for (const row of expected) {
    const actual = found.get(`${row.file} ${row.agent}`);
    found.delete(`${row.file} ${row.agent}`);
    const shown = actual && { verdict: actual.verdict, stay: stayOf(actual), dropped: actual.dropped.map(({ component }) => component).sort(), fatal: actual.fatal !== null };
    const wanted = { verdict: row.verdict, stay: row.stay, dropped: row.dropped, fatal: row.fatal };
    try {
      assert.deepEqual(shown, wanted);
    } catch {
      wrong.push({ file: row.file, agent: row.agent, shown, wanted, reasons: actual?.dropped, notes: row.reasons, fatal: actual?.fatal });
    }
  }
  assert.deepEqual({ wrong, unexpected: [...found.keys()], rows: expected.length > 200 }, { wrong: [], unexpected: [], rows: true });
});

function stayOf({ sources, channels, sinks, sinkgroups }: Verdict): readonly string[] {
  return [sources, channels, sinks, sinkgroups].map((names) => [...names].sort().join(' '));
}

function expectedVerdicts(): { file: string; agent: string; verdict: string; stay: string[]; dropped: string[]; fatal: boolean; reasons: string }[] {
  const [head = '', ...rows] = readFileSync(join(folder, 'EXPECTED.tsv'), 'utf8').trim().split('\n');
  const names = head.split('\t');
  return rows.map((row) => {
    const cells = row.split('\t').map((cell) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell));
    const cell = (name: string): string => cells[names.indexOf(name)] ?? '';
    const sorted = (text: string): string => text.split(' ').filter(Boolean).sort().join(' ');
    return {
      file: cell('file'),
      agent: cell('agent'),
      verdict: cell('verdict'),
      stay: ['stay_sources', 'stay_channels', 'stay_sinks', 'stay_sinkgroups'].map((name) => sorted(cell(name))),
      dropped: droppedIn(cell('dropped')),
      fatal: cell('fatal') !== '',
      reasons: cell('dropped') + cell('fatal'),
    };
  });
}

/** `source r1: reason (phase); sink k1: …`: the components, without doubles. */
function droppedIn(text: string): string[] {
  const found = [...text.matchAll(/(?:^|; )((?:agent|source|channel|sink|sinkgroup) [^:;]+): /g)].map(([, component]) => component ?? '');
  return [...new Set(found)].sort();
}
