/** Apache HDFS 3.4.1 with WebHDFS, NameNode and DataNode as processes of their own, fetched from Maven Central. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from './daemon.ts';
import { smallJvm } from './flume.ts';
import { fetchArtefacts, mavenMissing } from './maven.ts';
import { freePorts, serverOf, systemFolder, systemOf, type Server, type System } from './server.ts';

const version = '3.4.1';

export interface HdfsOptions {
  /** Further properties of hdfs-site.xml. */
  readonly site?: Readonly<Record<string, string>>;
  /** Further properties of core-site.xml. */
  readonly core?: Readonly<Record<string, string>>;
  /** How many NameNodes: two are a nameservice `ns` with `nn1` active at the start. */
  readonly nameNodes?: 1 | 2;
  /** Of a single NameNode; free ones unless given. */
  readonly ports?: { readonly rpc: number; readonly http: number };
}

export interface Hdfs extends System {
  readonly nameNode: Server;
  /** The second one of a pair. */
  readonly standby: Server;
  readonly dataNode: Server;
  /** As it stands in people's files: `hdfs://127.0.0.1:8020`, or `hdfs://ns` for a pair. */
  readonly uri: string;
  /** `http://127.0.0.1:9870`; of each NameNode. */
  readonly webUrls: readonly string[];
  /** Holds core-site.xml and hdfs-site.xml. */
  readonly confFolder: string;
  /** Runs one of Hadoop's own programs over this file system; resolves with what it wrote to standard output. Throws on another status than 0. */
  run(mainClass: string, ...args: readonly string[]): Promise<Buffer>;
  /** `hadoop fs …`: `shell('-text', '/a/b')`. */
  shell(...args: readonly string[]): Promise<Buffer>;
  safeMode(action: 'enter' | 'leave'): Promise<void>;
  /** Makes the second NameNode of a pair the active one, whatever became of the first. */
  failOver(): Promise<void>;
  /** One WebHDFS call with the answer as it came; redirections are followed. */
  web(method: string, path: string, query: string): Promise<Response>;
  /** Path to length of every file below a folder. */
  files(path: string): Promise<Map<string, number>>;
  /** All bytes of a file. */
  read(path: string): Promise<Buffer>;
}

/** What has to be installed first; `false` when nothing is missing: `test(name, { skip: hdfsMissing() }, …)`. */
export function hdfsMissing(): string | false {
  const missing = mavenMissing();
  return missing === false ? false : `HDFS ${version} cannot be run here: ${missing}`;
}

export function getHdfs(): Promise<string> {
  return fetchArtefacts({
    name: `hdfs-${version}`,
    artefacts: [
      `org.apache.hadoop:hadoop-hdfs:${version}`,
      `org.apache.hadoop:hadoop-hdfs-client:${version}`,
      `org.apache.hadoop:hadoop-common:${version}`,
      // Left out of Hadoop's own dependencies; without it no LZ4 file can be read.
      'org.lz4:lz4-java:1.8.0',
    ],
  });
}

export async function startHdfs(options: HdfsOptions = {}): Promise<Hdfs> {
  const jars = await getHdfs();
  const folder = await systemFolder('hdfs');
  const site = await layOut(folder, options);
  const java = javaCommand(folder, jars);
  const nameNodes = site.nameNodes.map((node) => nameNodeOf(node, java));
  const dataNode = dataNodeOf(site, java);
  const system = systemOf(folder, [dataNode, ...nameNodes]);
  const hdfs = hdfsOf(site, system, nameNodes, dataNode, java);
  try {
    await format(site, nameNodes, java);
    await dataNode.start();
    return hdfs;
  } catch (error) {
    await system.stop();
    throw error;
  }
}

interface NameNodeSite {
  readonly id: string;
  readonly confFolder: string;
  readonly webUrl: string;
}

interface Site {
  readonly uri: string;
  readonly confFolder: string;
  readonly nameNodes: readonly NameNodeSite[];
  readonly dataNodeUrl: string;
  readonly pair: boolean;
}

/** Writes the configuration, one for each NameNode of a pair, since they differ in the folder of their names. */
async function layOut(folder: string, options: HdfsOptions): Promise<Site> {
  const pair = options.nameNodes === 2;
  const [free1 = 0, free2 = 0, rpc2 = 0, http2 = 0, data = 0, dataHttp = 0, dataIpc = 0] = await freePorts(7);
  const { rpc: rpc1, http: http1 } = options.ports ?? { rpc: free1, http: free2 };
  const uri = pair ? 'hdfs://ns' : `hdfs://127.0.0.1:${rpc1}`;
  const common = {
    'dfs.replication': '1',
    'dfs.datanode.address': `127.0.0.1:${data}`,
    'dfs.datanode.http.address': `127.0.0.1:${dataHttp}`,
    'dfs.datanode.ipc.address': `127.0.0.1:${dataIpc}`,
    'dfs.datanode.data.dir': `file://${folder}/data`,
    'dfs.datanode.hostname': '127.0.0.1',
    'dfs.namenode.datanode.registration.ip-hostname-check': 'false',
    'dfs.namenode.safemode.extension': '0',
    'dfs.namenode.safemode.threshold-pct': '1.0f',
    'dfs.namenode.safemode.min.datanodes': '1',
    'dfs.heartbeat.interval': '1',
    'dfs.namenode.heartbeat.recheck-interval': '1000',
    'dfs.permissions.superusergroup': 'root',
  };
  const single = { 'dfs.namenode.rpc-address': `127.0.0.1:${rpc1}`, 'dfs.namenode.http-address': `127.0.0.1:${http1}`, 'dfs.namenode.name.dir': `file://${folder}/name1` };
  const both = {
    'dfs.nameservices': 'ns',
    'dfs.ha.namenodes.ns': 'nn1,nn2',
    'dfs.namenode.rpc-address.ns.nn1': `127.0.0.1:${rpc1}`,
    'dfs.namenode.http-address.ns.nn1': `127.0.0.1:${http1}`,
    'dfs.namenode.rpc-address.ns.nn2': `127.0.0.1:${rpc2}`,
    'dfs.namenode.http-address.ns.nn2': `127.0.0.1:${http2}`,
    'dfs.namenode.shared.edits.dir': `file://${folder}/shared`,
    'dfs.ha.fencing.methods': 'shell(/bin/true)',
    'dfs.client.failover.proxy.provider.ns': 'org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider',
  };
  const core = { 'fs.defaultFS': uri, 'hadoop.tmp.dir': `${folder}/tmp`, ...options.core };
  for (const web of ['hdfs', 'datanode']) {
    await mkdir(join(folder, 'webapps', web, 'WEB-INF'), { recursive: true });
    await writeFile(join(folder, 'webapps', web, 'WEB-INF', 'web.xml'), '<web-app version="2.4" xmlns="http://java.sun.com/xml/ns/javaee"/>\n');
  }
  await writeFile(join(folder, 'log4j.properties'), LOG4J);
  const confFolder = join(folder, 'conf');
  const nameNodes = (pair ? [http1, http2] : [http1]).map((port, index) => ({
    id: `nn${index + 1}`,
    confFolder: join(folder, `conf-nn${index + 1}`),
    webUrl: `http://127.0.0.1:${port}`,
  }));
  for (const [index, target] of [confFolder, ...nameNodes.map((node) => node.confFolder)].entries()) {
    await mkdir(target);
    // Both names stand for the same address, so that each NameNode has to be told which one it is.
    const identity: Record<string, string> = index === 0 ? {} : { 'dfs.ha.namenode.id': `nn${index}`, 'dfs.namenode.name.dir': `file://${folder}/name${index}` };
    const own = pair ? { ...both, ...identity } : single;
    await writeFile(join(target, 'core-site.xml'), siteXml(core));
    await writeFile(join(target, 'hdfs-site.xml'), siteXml({ ...common, ...own, ...options.site }));
  }
  return { uri, confFolder, nameNodes, dataNodeUrl: `http://127.0.0.1:${dataHttp}`, pair };
}

const LOG4J = `log4j.rootLogger=WARN,console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%p %c - %m%n
`;

function siteXml(properties: Readonly<Record<string, string>>): string {
  const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const entries = Object.entries(properties).map(([name, value]) => `<property><name>${name}</name><value>${escape(value)}</value></property>`);
  return `<configuration>\n${entries.join('\n')}\n</configuration>\n`;
}

type Java = (confFolder: string, mainClass: string, args: readonly string[], heap?: string) => { command: string; args: string[] };

/** Jetty of the DataNode makes temporary folders: they go with the rest. */
function javaCommand(folder: string, jars: string): Java {
  return (confFolder, mainClass, args, heap = '-Xmx128m') => ({
    command: 'java',
    args: [
      ...smallJvm,
      heap,
      '--add-opens',
      'java.base/java.lang=ALL-UNNAMED',
      `-Djava.io.tmpdir=${folder}`,
      '-Djava.net.preferIPv4Stack=true',
      '-cp',
      `${confFolder}:${folder}:${jars}/*`,
      mainClass,
      ...args,
    ],
  });
}

function nameNodeOf(node: NameNodeSite, java: Java): Server {
  return serverOf({
    name: `NameNode ${node.id}`,
    launch: () => java(node.confFolder, 'org.apache.hadoop.hdfs.server.namenode.NameNode', []),
    // Safe mode ends once the DataNode is there as well; that is the DataNode's to await.
    answers: async () => (await bean(node.webUrl, 'Hadoop:service=NameNode,name=FSNamesystemState')) !== undefined,
  });
}

function dataNodeOf(site: Site, java: Java): Server {
  return serverOf({
    name: 'DataNode',
    launch: () => java(site.confFolder, 'org.apache.hadoop.hdfs.server.datanode.DataNode', []),
    async answers() {
      const own = await bean(site.dataNodeUrl, 'Hadoop:service=DataNode,name=DataNodeInfo');
      if (own?.['DatanodeHostname'] === undefined) return false;
      const states = await Promise.all(site.nameNodes.map((node) => bean(node.webUrl, 'Hadoop:service=NameNode,name=FSNamesystemState').catch(() => undefined)));
      return states.some((state) => state?.['FSState'] === 'Operational' && state['NumLiveDataNodes'] === 1);
    },
  });
}

async function bean(webUrl: string, name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const answer = await fetch(`${webUrl}/jmx?qry=${name}`, { signal: AbortSignal.timeout(3000), headers: { connection: 'close' } });
  const { beans } = (await answer.json()) as { beans: Record<string, unknown>[] };
  return beans[0];
}

async function format(site: Site, nameNodes: readonly Server[], java: Java): Promise<void> {
  const [first, second] = site.nameNodes;
  if (first === undefined) throw new Error('no NameNode');
  await runToEnd(java(first.confFolder, 'org.apache.hadoop.hdfs.server.namenode.NameNode', ['-format', '-nonInteractive', '-force']));
  await nameNodes[0]?.start();
  if (second === undefined) return;
  await runToEnd(java(second.confFolder, 'org.apache.hadoop.hdfs.server.namenode.NameNode', ['-bootstrapStandby', '-nonInteractive', '-force']));
  await nameNodes[1]?.start();
  await runToEnd(java(site.confFolder, 'org.apache.hadoop.hdfs.tools.DFSHAAdmin', ['-transitionToActive', 'nn1']));
}

async function runToEnd(command: { command: string; args: string[] }): Promise<void> {
  const daemon = startDaemon(command);
  const status = await daemon.ended;
  if (status !== 0) throw new Error(`${command.args.slice(-4).join(' ')} ended with status ${status}:\n${daemon.lines.slice(-30).join('\n')}`);
}

function hdfsOf(site: Site, system: System, nameNodes: readonly Server[], dataNode: Server, java: Java): Hdfs {
  const [nameNode, standby] = nameNodes;
  if (nameNode === undefined) throw new Error('no NameNode');
  const run = (mainClass: string, ...args: readonly string[]): Promise<Buffer> => outputOf(java(site.confFolder, mainClass, args));
  const web = async (method: string, path: string, query: string): Promise<Response> => {
    let last: unknown;
    for (const { webUrl } of site.nameNodes) {
      try {
        const url = `${webUrl}/webhdfs/v1${path.split('/').map(encodeURIComponent).join('/')}?user.name=root&${query}`;
        const answer = await fetch(url, { method, signal: AbortSignal.timeout(20_000) });
        if (answer.status !== 403 || !(await answer.clone().text()).includes('StandbyException')) return answer;
      } catch (error) {
        last = error;
      }
    }
    throw new Error(`no NameNode answers ${method} ${path}`, { cause: last });
  };
  const files = async (path: string): Promise<Map<string, number>> => {
    const answer = await web('GET', path, 'op=LISTSTATUS');
    if (answer.status === 404) return new Map();
    if (!answer.ok) throw new Error(`listing ${path}: ${await answer.text()}`);
    const { FileStatuses } = (await answer.json()) as { FileStatuses: { FileStatus: { pathSuffix: string; type: string; length: number }[] } };
    const found = new Map<string, number>();
    for (const { pathSuffix, type, length } of FileStatuses.FileStatus) {
      const name = pathSuffix === '' ? path : `${path === '/' ? '' : path}/${pathSuffix}`;
      if (type === 'FILE') found.set(name, length);
      else for (const [inner, size] of await files(name)) found.set(inner, size);
    }
    return found;
  };
  return {
    ...system,
    nameNode,
    get standby() {
      if (standby === undefined) throw new Error('this HDFS has one NameNode');
      return standby;
    },
    dataNode,
    uri: site.uri,
    webUrls: site.nameNodes.map((node) => node.webUrl),
    confFolder: site.confFolder,
    run,
    shell: (...args) => run('org.apache.hadoop.fs.FsShell', ...args),
    safeMode: async (action) => void (await run('org.apache.hadoop.hdfs.tools.DFSAdmin', '-safemode', action)),
    failOver: async () => void (await run('org.apache.hadoop.hdfs.tools.DFSHAAdmin', '-failover', '--forcefence', 'nn1', 'nn2')),
    web,
    files,
    async read(path) {
      const answer = await web('GET', path, 'op=OPEN');
      if (!answer.ok) throw new Error(`reading ${path}: ${await answer.text()}`);
      return Buffer.from(await answer.arrayBuffer());
    },
  };
}

async function outputOf({ command, args }: { command: string; args: string[] }): Promise<Buffer> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`${args.slice(-4).join(' ')} ended with status ${status}:\n${Buffer.concat(err).toString('latin1').slice(-3000)}`);
  return Buffer.concat(out);
}
