import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Account } from '../faults/referee/account.ts';
import type { Collector } from '../faults/referee/referee.ts';
import { splitLines } from '../faults/referee/rolled-files.ts';
import { startAgent, type RunningAgent } from '../harness/agent.ts';
import type { Hdfs } from '../servers/hdfs.ts';

/** A directory in HDFS and an agent, netcat to a durable channel to the hdfs sink, that writes there. */
export class HdfsPlace {
  readonly hdfs: Hdfs;
  readonly path: string;
  readonly folder: string;
  agent: RunningAgent | undefined;

  private constructor(hdfs: Hdfs, path: string, folder: string) {
    this.hdfs = hdfs;
    this.path = path;
    this.folder = folder;
  }

  static async open(t: TestContext, hdfs: Hdfs, path: string): Promise<HdfsPlace> {
    const place = new HdfsPlace(hdfs, path, await mkdtemp(join(tmpdir(), 'millrace-hdfs-')));
    t.after(async () => {
      await place.agent?.stop();
      await rm(place.folder, { recursive: true, force: true });
    });
    return place;
  }

  /** Starts the agent, again after it was killed. */
  async start(
    sink: Readonly<Record<string, string>> = {},
    channel: Readonly<Record<string, string>> = {},
    { more = [], env = {} }: { more?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
  ): Promise<RunningAgent> {
    const conf = `${this.conf(sink, channel)}${more.join('\n')}`;
    // The list of open files lies in the home directory, and is found again by the next start.
    this.agent = await startAgent({ conf, folder: this.folder, env: { HADOOP_CONF_DIR: this.hdfs.confFolder, HOME: this.folder, ...env } });
    await this.agent.ready();
    return this.agent;
  }

  conf(sink: Readonly<Record<string, string>> = {}, channel: Readonly<Record<string, string>> = {}): string {
    const properties: Record<string, string> = {
      'a1.sources': 'r1',
      'a1.channels': 'c1',
      'a1.sinks': 'k1',
      'a1.sources.r1.type': 'netcat',
      'a1.sources.r1.bind': '127.0.0.1',
      'a1.sources.r1.port': '0',
      'a1.sources.r1.max-line-length': '100000',
      'a1.sources.r1.channels': 'c1',
      'a1.channels.c1.type': 'file',
      'a1.channels.c1.checkpointDir': '@FOLDER@/checkpoint',
      'a1.channels.c1.dataDirs': '@FOLDER@/data',
      'a1.sinks.k1.type': 'hdfs',
      'a1.sinks.k1.channel': 'c1',
      'a1.sinks.k1.hdfs.path': `${this.hdfs.uri}${this.path}`,
      'a1.sinks.k1.hdfs.fileType': 'DataStream',
      'a1.sinks.k1.hdfs.rollCount': '0',
      'a1.sinks.k1.hdfs.rollSize': '0',
      'a1.sinks.k1.hdfs.rollInterval': '1',
      'a1.sinks.k1.hdfs.retryInterval': '1',
      ...Object.fromEntries(Object.entries(sink).map(([name, value]) => [`a1.sinks.k1.${name}`, value])),
      ...Object.fromEntries(Object.entries(channel).map(([name, value]) => [`a1.channels.c1.${name}`, value])),
    };
    return Object.entries(properties).map(([name, value]) => `${name} = ${value}\n`).join('');
  }

  /** Files that are closed, in the order in which they were begun, and those that are not. */
  async files(): Promise<{ closed: string[]; inUse: string[] }> {
    const names = [...(await this.hdfs.files(this.path)).keys()].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    return { closed: names.filter((name) => !name.endsWith('.tmp')), inUse: names.filter((name) => name.endsWith('.tmp')) };
  }

  /** What all closed files hold. */
  async text(): Promise<string> {
    const { closed } = await this.files();
    return Buffer.concat(await Promise.all(closed.map((name) => this.hdfs.read(name)))).toString();
  }
}

/** Reads the lines of the files that are closed, in the order in which they were begun. */
export class HdfsFiles implements Collector {
  readonly #place: HdfsPlace;
  readonly #bodies = new Map<string, Buffer>();
  #seen: string[] = [];

  constructor(place: HdfsPlace) {
    this.#place = place;
  }

  async look(account: Account): Promise<'more' | 'again'> {
    // The servers may be down: what is there is seen at the next look.
    const closed = (await this.#place.files().catch(() => undefined))?.closed ?? this.#seen;
    for (const name of closed) {
      const body = this.#bodies.get(name) ?? (await this.#place.hdfs.read(name).catch(() => undefined));
      if (!body) return 'more';
      this.#bodies.set(name, body);
    }
    if (this.#seen.some((name, index) => closed[index] !== name)) return 'again';
    for (const name of closed.slice(this.#seen.length)) {
      const rest = splitLines(this.#bodies.get(name) as Buffer, [], (line) => account.see(line));
      if (rest.length > 0) account.seeTorn(Buffer.concat(rest));
    }
    this.#seen = closed;
    return 'more';
  }

  reset(): void {
    this.#seen = [];
  }

  finish(): void {}

  async stop(): Promise<void> {}
}
