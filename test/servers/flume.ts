/** Apache Flume 1.11.0 as released, fetched from Maven Central and run beside us. */

import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HopelessError, startDaemon, until, type Daemon } from './daemon.ts';
import { fetchArtefacts, mavenMissing, type ArtefactSet } from './maven.ts';

const version = '1.11.0';

/** The agent with every component that needs nothing beside it. */
const flumeCore: ArtefactSet = {
  name: `flume-${version}`,
  artefacts: [
    `org.apache.flume:flume-ng-node:${version}`,
    `org.apache.flume.flume-ng-channels:flume-file-channel:${version}`,
    `org.apache.flume.flume-ng-channels:flume-spillable-memory-channel:${version}`,
    `org.apache.flume.flume-ng-sources:flume-taildir-source:${version}`,
    `org.apache.flume:flume-ng-environment-variable-config-filter:${version}`,
    `org.apache.flume:flume-ng-external-process-config-filter:${version}`,
    'org.apache.logging.log4j:log4j-slf4j-impl:2.18.0',
  ],
};

/** All that was released as part of 1.11.0 (the Kudu sink was not), with the systems' own jars that these parts ask for. */
const flumeComplete: ArtefactSet = {
  name: `flume-complete-${version}`,
  artefacts: [
    ...flumeCore.artefacts,
    `org.apache.flume.flume-ng-channels:flume-jdbc-channel:${version}`,
    `org.apache.flume.flume-ng-channels:flume-kafka-channel:${version}`,
    `org.apache.flume.flume-ng-sources:flume-jms-source:${version}`,
    `org.apache.flume.flume-ng-sources:flume-kafka-source:${version}`,
    `org.apache.flume.flume-ng-sources:flume-scribe-source:${version}`,
    `org.apache.flume.flume-ng-sources:flume-twitter-source:${version}`,
    `org.apache.flume.flume-ng-sinks:flume-hdfs-sink:${version}`,
    `org.apache.flume.flume-ng-sinks:flume-http-sink:${version}`,
    `org.apache.flume.flume-ng-sinks:flume-irc-sink:${version}`,
    `org.apache.flume.flume-ng-sinks:flume-ng-kafka-sink:${version}`,
    `org.apache.flume.flume-ng-sinks:flume-hive-sink:${version}`,
    `org.apache.flume.flume-ng-sinks:flume-ng-hbase-sink:${version}`,
    `org.apache.flume.flume-ng-sinks:flume-ng-hbase2-sink:${version}`,
    `org.apache.flume.flume-ng-sinks:flume-ng-morphline-solr-sink:${version}`,
    `org.apache.flume.flume-ng-legacy-sources:flume-avro-source:${version}`,
    `org.apache.flume.flume-ng-legacy-sources:flume-thrift-source:${version}`,
    `org.apache.flume:flume-ng-hadoop-credential-store-config-filter:${version}`,
    'org.apache.hadoop:hadoop-common:2.10.1',
    'org.apache.hadoop:hadoop-hdfs-client:2.10.1',
    'org.apache.hadoop:hadoop-auth:2.10.1',
    'org.apache.hbase:hbase-client:1.7.1',
    'org.apache.hbase:hbase-common:1.7.1',
    'org.kitesdk:kite-morphlines-core:1.1.0',
  ],
  alone: [
    'org.apache.commons:commons-lang3:3.11',
    'org.apache.curator:curator-client:5.1.0',
    'org.apache.hive.hcatalog:hive-hcatalog-streaming:1.2.2',
    'org.apache.hive.hcatalog:hive-hcatalog-core:1.2.2',
    'org.apache.hive:hive-exec:1.2.2',
    'org.apache.hive:hive-metastore:1.2.2',
  ],
  excluded: ['org.slf4j:slf4j-log4j12', 'log4j:log4j', 'javax.servlet:servlet-api', 'org.mortbay.jetty:*'],
  managedBy: `org.apache.flume:flume-parent:${version}`,
};

/** Two cores are shared by everybody: a small heap, the quickest compiler, no collector threads. */
export const smallJvm = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'] as const;

export interface FlumeOptions {
  /** Text of the configuration file. */
  readonly conf: string;
  readonly agent: string;
  /** JVM system properties (`-D`). */
  readonly properties?: Readonly<Record<string, string>>;
  /** Serves `/metrics` here. */
  readonly monitoringPort?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** With the parts for Kafka, Hadoop, Hive … on the class path as well. */
  readonly complete?: boolean;
  /** Stands first on the class path: a folder with core-site.xml. */
  readonly siteFolder?: string;
  readonly cwd?: string;
  /** Java is run under this program, which must `exec`: `['ip', 'netns', 'exec', 'h1']`. */
  readonly under?: readonly string[];
}

export interface Flume extends Daemon {
  /** Resolves once every component has been started, or failed to. */
  ready(): Promise<void>;
  /** What `/metrics` says now: component ("SOURCE.r1") to counter to text. */
  metrics(): Promise<Record<string, Record<string, string>>>;
}

/** What has to be installed before Flume can run; `false` when nothing is missing: `test(name, { skip: flumeAvailable() }, …)`. */
export function flumeAvailable(): string | false {
  const missing = mavenMissing();
  return missing === false ? false : `real Flume ${version} cannot be run here: ${missing}`;
}

/** The folder of Flume's jars, fetched on the first call of all. */
export function getFlume(complete = false): Promise<string> {
  return fetchArtefacts(complete ? flumeComplete : flumeCore);
}

/** The class path over a folder of `getFlume`: by name, but the jar that brings half of Hadoop's world inside itself comes last. */
export async function classPath(jars: string): Promise<string> {
  const names = (await readdir(jars)).filter((name) => name.endsWith('.jar')).sort();
  const last = names.filter((name) => name.startsWith('hive-exec-'));
  return [...names.filter((name) => !last.includes(name)), ...last].map((name) => join(jars, name)).join(':');
}

/** Starts an agent on the configuration. Its console holds the lines `LEVEL logger - message`; the logger sink is among them. */
export async function startFlume(options: FlumeOptions): Promise<Flume> {
  const jars = await getFlume(options.complete);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-flume-'));
  const home = join(folder, 'home');
  await mkdir(home);
  await writeFile(join(folder, 'agent.conf'), options.conf, 'latin1');
  await writeFile(join(folder, 'log4j2.xml'), log4j2);
  const properties: Record<string, string> = {
    'log4j2.configurationFile': join(folder, 'log4j2.xml'),
    'user.home': home,
    'file.encoding': 'UTF-8',
    ...(options.monitoringPort === undefined
      ? {}
      : { 'flume.monitoring.type': 'http', 'flume.monitoring.port': String(options.monitoringPort) }),
    ...options.properties,
  };
  const words: readonly string[] = [
    ...(options.under ?? []),
    'java',
    ...smallJvm,
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    '-cp',
    options.siteFolder === undefined ? await classPath(jars) : `${options.siteFolder}:${await classPath(jars)}`,
    'org.apache.flume.node.Application',
    '--conf-file',
    join(folder, 'agent.conf'),
    '--name',
    options.agent,
    '--no-reload-conf',
  ];
  const [command = '', ...args] = words;
  const daemon = startDaemon({
    command,
    args,
    cwd: options.cwd ?? folder,
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const metrics = async () => {
    const answer = await fetch(`http://127.0.0.1:${options.monitoringPort}/metrics`);
    return (await answer.json()) as Record<string, Record<string, string>>;
  };
  return {
    ...daemon,
    metrics,
    ready: () => untilStarted(daemon, options.monitoringPort === undefined ? undefined : metrics),
    stop: async (patienceMs) => {
      await daemon.stop(patienceMs);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Flume starts the components of a configuration in a loop and logs each; the monitoring server comes last. */
async function untilStarted(daemon: Daemon, metrics: (() => Promise<unknown>) | undefined): Promise<void> {
  await daemon.line(/Starting Source|Starting Sink|No configuration found|Failed to instantiate component/);
  if (metrics !== undefined) {
    await until('/metrics of Flume answers', async () => {
      if (!daemon.running()) {
        throw new HopelessError(`Flume ended: ${daemon.lines.slice(-10).join('\n')}`);
      }
      return metrics();
    });
  }
}

const log4j2 = `<Configuration status="WARN" shutdownHook="disable">
  <Appenders>
    <Console name="console" target="SYSTEM_OUT">
      <PatternLayout charset="UTF-8" pattern="%p %c - %m%n%ex"/>
    </Console>
  </Appenders>
  <Loggers>
    <Root level="INFO"><AppenderRef ref="console"/></Root>
  </Loggers>
</Configuration>
`;
