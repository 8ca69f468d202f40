/**
 * Jars from Maven Central, fetched once into a cache folder. A set of artefacts is named by what is in it, so that a changed list is
 * fetched anew and an unchanged one costs a `stat`.
 */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { onPath, startDaemon } from './daemon.ts';

export { onPath };

export interface ArtefactSet {
  /** Beginning of the folder's name in the cache. */
  readonly name: string;
  /** `group:artifact:version` with all its runtime dependencies; of two versions of a dependency the set named first wins. */
  readonly artefacts: readonly string[];
  /** `group:artifact:version` without any dependency. */
  readonly alone?: readonly string[];
  /** `group:artifact` that shall not come in as a dependency of `artefacts`. */
  readonly excluded?: readonly string[];
  /** `group:artifact:version` of a POM whose dependency management decides the versions of what comes in as a dependency. */
  readonly managedBy?: string;
}

/** Where everything fetched or built for tests lies: `.cache` in the repository, or `MILLRACE_TEST_CACHE`. Deletable at any time. */
export function cacheFolder(): string {
  return resolve(process.env['MILLRACE_TEST_CACHE'] ?? join(import.meta.dirname, '../../.cache'));
}

/** What has to be installed before `fetchArtefacts` can work; `false` when nothing is missing. Made for `skip` of node:test. */
export function mavenMissing(): string | false {
  const missing = ['java', 'javac', 'mvn'].filter((program) => !onPath(program));
  return missing.length === 0 ? false : `install a JDK of 17 or later and Maven 3.8 (no ${missing.join(', ')} on the PATH)`;
}

/**
 * The folder that holds the jars of the set, fetched if it is not there yet. Complete or absent: an interrupted fetch leaves a folder
 * beside it that the next fetch removes. May be called by several processes at once.
 */
export async function fetchArtefacts(set: ArtefactSet): Promise<string> {
  const pom = pomOf(set);
  const jars = join(cacheFolder(), 'jars');
  const target = join(jars, `${set.name}-${createHash('sha256').update(pom).digest('hex').slice(0, 12)}`);
  if (existsSync(target)) {
    return target;
  }
  await mkdir(jars, { recursive: true });
  await removeAbandoned(jars);
  const work = join(jars, `.fetch-${process.pid}-${set.name}`);
  await rm(work, { recursive: true, force: true });
  await mkdir(work);
  await writeFile(join(work, 'pom.xml'), pom);
  await runMaven(work, set.name);
  try {
    await rename(join(work, 'lib'), target);
  } catch (error) {
    if (!existsSync(target)) {
      throw error;
    }
  }
  await rm(work, { recursive: true, force: true });
  return target;
}

/** Removes what fetches left whose process is gone. */
async function removeAbandoned(jars: string): Promise<void> {
  for (const entry of await readdir(jars)) {
    const pid = /^\.fetch-(\d+)-/.exec(entry)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      await rm(join(jars, entry), { recursive: true, force: true });
    }
  }
}

async function runMaven(folder: string, name: string): Promise<void> {
  const maven = startDaemon({
    command: 'mvn',
    args: ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=lib'],
    cwd: folder,
  });
  const code = await maven.ended;
  if (code !== 0) {
    throw new Error(`fetching the jars of "${name}" with Maven failed with status ${code}; its last output:\n${maven.lines.slice(-40).join('\n')}`);
  }
}

function pomOf(set: ArtefactSet): string {
  const everything = ['*:*'];
  const dependencies = [
    ...set.artefacts.map((artefact) => dependency(artefact, set.excluded ?? [])),
    ...(set.alone ?? []).map((artefact) => dependency(artefact, everything)),
  ];
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>millrace.test</groupId><artifactId>${set.name}</artifactId><version>1</version>
${set.managedBy === undefined ? '' : management(set.managedBy)}
<dependencies>
${dependencies.join('\n')}
</dependencies>
</project>
`;
}

function management(artefact: string): string {
  const [group, name, version] = artefact.split(':');
  return (
    `<dependencyManagement><dependencies><dependency><groupId>${group}</groupId><artifactId>${name}</artifactId>` +
    `<version>${version}</version><type>pom</type><scope>import</scope></dependency></dependencies></dependencyManagement>`
  );
}

function dependency(artefact: string, excluded: readonly string[]): string {
  const [group, name, version] = artefact.split(':');
  const exclusions = excluded.map((entry) => {
    const [g, a] = entry.split(':');
    return `<exclusion><groupId>${g}</groupId><artifactId>${a}</artifactId></exclusion>`;
  });
  return (
    `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>` +
    `<exclusions>${exclusions.join('')}</exclusions></dependency>`
  );
}
