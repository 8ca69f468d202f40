/** What OpenSearch and Elasticsearch have in common: reduced builds from Maven Central, one node, a small heap, no disk watermarks. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, copyFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from './daemon.ts';
import { cacheFolder, mavenMissing, onPath } from './maven.ts';
import { freePorts, serverOf, systemFolder, systemOf, type Server, type System } from './server.ts';

export interface Distribution {
  readonly name: 'opensearch' | 'elasticsearch';
  readonly version: string;
  /** Maven coordinates of the zip file without its version. */
  readonly artefact: string;
}

export interface SearchOptions {
  /** Further lines of its configuration: `'indexing_pressure.memory.limit': '8kb'`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Memory for its objects, `192m` unless given: enough to be right in, and little to be fast in. */
  readonly heap?: string;
  /** Elasticsearch only: basic authentication, with this user as an administrator. */
  readonly login?: { readonly username: string; readonly password: string };
}

export interface SearchEngine extends System {
  readonly server: Server;
  /** `http://127.0.0.1:9200`. */
  readonly url: string;
  /** Needed for each request, where it is there. */
  readonly login?: { readonly username: string; readonly password: string };
  /** One request; the answer's JSON. Throws for what is no 2xx. */
  ask(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** `_source` of every document of an index or pattern, by id; refreshes first. */
  documents(index: string): Promise<Map<string, Record<string, unknown>>>;
}

const NOBODY = 65534;
const PAGE = 5000;

/** What has to be installed first; `false` when nothing is missing. */
export function searchEngineMissing(): string | false {
  const missing = mavenMissing();
  if (missing !== false) return missing;
  const isRoot = process.getuid?.() === 0;
  return isRoot && !onPath('setpriv') ? 'install util-linux (no setpriv): search engines refuse to run as root' : false;
}

/** The unpacked distribution, fetched if it is not there yet. Complete or absent. May be called by several processes at once. */
export async function getSearchEngine({ name, version, artefact }: Distribution): Promise<string> {
  const folder = join(cacheFolder(), 'search');
  const target = join(folder, `${name}-${version}`);
  if (existsSync(target)) return target;
  const work = join(folder, `.fetch-${process.pid}-${name}-${version}`);
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  try {
    await run('mvn', ['-q', '-B', 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy', `-Dartifact=${artefact}:${version}:zip`, `-DoutputDirectory=${work}`], work);
    const zip = (await readdir(work)).find((entry) => entry.endsWith('.zip'));
    if (zip === undefined) throw new Error(`Maven brought no zip file for ${artefact}:${version}`);
    await run('jar', ['xf', zip], work);
    const unpacked = (await readdir(work)).find((entry) => entry !== zip);
    if (unpacked === undefined) throw new Error(`${zip} is empty`);
    // What jar unpacks has lost its permissions.
    for (const entry of await readdir(join(work, unpacked, 'bin'))) await chmod(join(work, unpacked, 'bin', entry), 0o755);
    await rename(join(work, unpacked), target).catch((error: unknown) => {
      if (!existsSync(target)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}

export async function startSearchEngine(distribution: Distribution, options: SearchOptions = {}): Promise<SearchEngine> {
  const folder = await systemFolder(distribution.name);
  const home = await withinReach(await getSearchEngine(distribution), folder);
  const [http = 0, transport = 0] = await freePorts(2);
  const url = `http://127.0.0.1:${http}`;
  const conf = await layOut(folder, home, distribution, { http, transport }, options);
  const { login } = options;
  const headers = { 'content-type': 'application/json', ...(login && { authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}` }) };
  const env = environment(distribution, conf);
  const server = serverOf({
    name: distribution.name,
    patienceMs: 120_000,
    launch: () => ({ ...asNobody(['bash', join(home, 'bin', distribution.name)]), cwd: folder, env }),
    answers: async () => (await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`, { headers })).ok,
  });
  if (login) addUser(home, login, env);
  await server.start();
  const ask: SearchEngine['ask'] = async (method, path, body) => {
    const answer = await fetch(`${url}/${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
  return {
    ...systemOf(folder, [inTwoProcesses(server)]),
    server: inTwoProcesses(server),
    url,
    ...(login && { login }),
    ask,
    documents: (index) => allDocuments(ask, index),
  };
}

/** Every document, a page after another. */
async function allDocuments(ask: SearchEngine['ask'], index: string): Promise<Map<string, Record<string, unknown>>> {
  await ask('POST', `${index}/_refresh`);
  const found = new Map<string, Record<string, unknown>>();
  let answer = (await ask('POST', `${index}/_search?scroll=1m&size=${PAGE}`, { sort: ['_doc'] })) as unknown as ScrollAnswer;
  while (answer.hits.hits.length > 0) {
    for (const { _index, _id, _source } of answer.hits.hits) found.set(`${_index}/${_id}`, _source);
    answer = (await ask('POST', '_search/scroll', { scroll: '1m', scroll_id: answer._scroll_id })) as unknown as ScrollAnswer;
  }
  return found;
}

interface ScrollAnswer {
  readonly _scroll_id: string;
  readonly hits: { readonly hits: readonly { readonly _index: string; readonly _id: string; readonly _source: Record<string, unknown> }[] };
}

async function layOut(folder: string, home: string, { name }: Distribution, ports: { http: number; transport: number }, options: SearchOptions): Promise<string> {
  const conf = join(folder, 'conf');
  for (const path of [conf, join(folder, 'data'), join(folder, 'logs'), join(folder, 'tmp')]) await mkdir(path);
  const security = { 'xpack.security.enabled': String(options.login !== undefined), 'xpack.ml.enabled': 'false' };
  const plain = { 'xpack.security.http.ssl.enabled': 'false', 'xpack.security.transport.ssl.enabled': 'false' };
  const settings: Record<string, string> = {
    'cluster.name': 'millrace-test',
    'path.data': join(folder, 'data'),
    'path.logs': join(folder, 'logs'),
    'network.host': '127.0.0.1',
    'http.port': String(ports.http),
    'transport.port': String(ports.transport),
    'discovery.type': 'single-node',
    'cluster.routing.allocation.disk.threshold_enabled': 'false',
    ...(name === 'elasticsearch' && { ...security, ...(options.login && plain) }),
    ...options.settings,
  };
  await writeFile(join(conf, `${name}.yml`), Object.entries(settings).map(([key, value]) => `${key}: ${value}\n`).join(''));
  await copyFile(join(home, 'config', 'log4j2.properties'), join(conf, 'log4j2.properties'));
  if (options.login) for (const file of ['users', 'users_roles']) await writeFile(join(conf, file), '', { mode: 0o660 });
  const { heap: most = '192m' } = options;
  const heap = [`-Xms${most}`, `-Xmx${most}`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Djava.io.tmpdir=${join(folder, 'tmp')}`];
  const others = (await readFile(join(home, 'config', 'jvm.options'), 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => /^(\d+(-\d*)?:)?-D/.test(line) && !/tmpdir|java\.security\.manager=allow$/.test(line));
  await writeFile(join(conf, 'jvm.options'), [...heap, ...others, ''].join('\n'));
  if (process.getuid?.() === 0) await giveToNobody(folder);
  return conf;
}

function environment({ name }: Distribution, conf: string): Record<string, string> {
  const java = javaHome();
  return name === 'opensearch' ? { OPENSEARCH_PATH_CONF: conf, OPENSEARCH_JAVA_HOME: java } : { ES_PATH_CONF: conf, ES_JAVA_HOME: java };
}

function javaHome(): string {
  const { stderr } = spawnSync('java', ['-XshowSettings:properties', '-version'], { encoding: 'utf8' });
  return /java\.home = (.*)/.exec(stderr)?.[1] ?? '';
}

function addUser(home: string, { username, password }: { username: string; password: string }, env: Record<string, string>): void {
  const { command, args } = asNobody([join(home, 'bin', 'elasticsearch-users'), 'useradd', username, '-p', password, '-r', 'superuser']);
  const { status, stderr } = spawnSync(command, args, { env: { ...process.env, ...env }, encoding: 'utf8' });
  if (status !== 0) throw new Error(`adding a user failed: ${stderr}`);
}

/** They refuse to run as root. The signal for the death of the parent is lost with the user, so that it is set again. */
function asNobody([command = '', ...args]: readonly string[]): { command: string; args: string[] } {
  if (process.getuid?.() !== 0) return { command, args };
  return { command: 'setpriv', args: [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', 'setpriv', '--pdeathsig', 'KILL', command, ...args] };
}

/** A cache below root's home cannot be read by anybody else: then the distribution is copied. */
async function withinReach(home: string, folder: string): Promise<string> {
  const { command, args } = asNobody(['test', '-r', join(home, 'bin')]);
  if (spawnSync(command, args).status === 0) return home;
  const copy = join(folder, 'home');
  await cp(home, copy, { recursive: true });
  return copy;
}

async function giveToNobody(folder: string): Promise<void> {
  await chown(folder, NOBODY, NOBODY);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) await chown(join(entry.parentPath, entry.name), NOBODY, NOBODY);
}

/** Elasticsearch is two processes, the second of which is the server: signals go to both. */
function inTwoProcesses(server: Server): Server {
  const signal = (name: NodeJS.Signals): void => void process.kill(-server.pid, name);
  return Object.assign(Object.create(server) as Server, {
    suspend: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    end: async () => {
      if (server.running()) signal('SIGCONT');
      await server.end();
    },
  });
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const daemon = startDaemon({ command, args, cwd });
  const status = await daemon.ended;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed with status ${status}; its last output:\n${daemon.lines.slice(-30).join('\n')}`);
}
