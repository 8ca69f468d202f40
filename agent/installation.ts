import { dirname, join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readSmallFile } from '../io/small-file.ts';

/** What was built, and from which sources; `unknown` where the build did not know. */
export interface BuildFacts {
  readonly version: string;
  readonly revision: string;
  /** Of the revision, not of the build: building twice gives the same. */
  readonly date: string;
  /** SHA-256 over the built files. */
  readonly checksum: string;
}

const here = dirname(fileURLToPath(import.meta.url));
const dist = here.lastIndexOf(`${sep}dist${sep}`);
const built = dist >= 0;

/** The folder that holds `bin/`, `conf/` and `plugins.d/`. */
export const home = built ? here.slice(0, dist) : dirname(here);

/** A module of the program as it runs: of the sources, or built, where it has to be an entry point of the build. `agent/plugins/kit`. */
export function moduleUrl(path: string): string {
  return pathToFileURL(join(home, built ? 'dist' : '', `${path}${built ? '.js' : '.ts'}`)).href;
}

export function readBuildFacts(): BuildFacts {
  const unknown = { version: 'unknown', revision: 'unknown', date: 'unknown', checksum: 'unknown' };
  const text = readSmallFile(built ? join(home, 'dist', 'build.json') : join(home, 'package.json'));
  const { version, revision, date, checksum } = JSON.parse(text ?? '{}') as Partial<Record<keyof BuildFacts, string>>;
  return {
    version: version ?? unknown.version,
    revision: revision ?? unknown.revision,
    date: date ?? unknown.date,
    checksum: checksum ?? unknown.checksum,
  };
}
