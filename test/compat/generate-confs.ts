/**
 * `node test/compat/generate-confs.ts DIR COUNT SEED [CORPUS]`: writes COUNT configuration files into DIR and, into DIR/oracle.jsonl,
 * what real Flume does with each (see oracle.ts; `file` is the name within DIR). CORPUS is a folder of `.conf` files to damage as well
 * (or `MILLRACE_CORPUS`). A checker to be compared must see the environment of `oracleEnvironment`.
 *
 * `node test/compat/generate-confs.ts DIR all` writes one file for each value of each property of each type instead (no chance in it).
 */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configCases, systematicCases, type ConfigCase } from './config-cases.ts';
import { startOracle } from './oracle.ts';

/** Variables that generated configurations refer to. `MILLRACE_NOPE` must not be set. */
export const oracleEnvironment = { MILLRACE_TEST_PORT: '41414', MILLRACE_TEST_TYPE: 'memory' } as const;

export async function writeWithVerdicts(folder: string, cases: readonly ConfigCase[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const oracle = await startOracle(oracleEnvironment);
  const answers: string[] = [];
  for (const { name, bytes } of cases) {
    const file = `${name}.conf`;
    writeFileSync(join(folder, file), bytes);
    for (const line of await oracle.ask(join(folder, file))) {
      answers.push(`${JSON.stringify({ ...line, file })}\n`);
    }
  }
  await oracle.close();
  writeFileSync(join(folder, 'oracle.jsonl'), answers.join(''));
}

/** Files that look brokers up in ZooKeeper are left out: Flume waits 30 s for each. */
export function corpusFiles(folder: string): Buffer[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.conf'))
    .sort()
    .map((name) => readFileSync(join(folder, name)))
    .filter((bytes) => !bytes.includes('zookeeperConnect'));
}

if (import.meta.main) {
  const [folder, count, seed, corpus = process.env['MILLRACE_CORPUS']] = process.argv.slice(2);
  if (folder !== undefined && count === 'all') {
    await writeWithVerdicts(folder, systematicCases());
  } else if (folder !== undefined && Number.isInteger(Number(count)) && Number.isInteger(Number(seed))) {
    await writeWithVerdicts(folder, configCases(Number(count), Number(seed), corpus === undefined ? [] : corpusFiles(corpus)));
  } else {
    process.stderr.write('usage: node test/compat/generate-confs.ts DIR COUNT SEED [CORPUS]\n       node test/compat/generate-confs.ts DIR all\n');
    process.exit(64);
  }
}
