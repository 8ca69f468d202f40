import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from '../faults/referee/account.ts';
import type { Collector } from '../faults/referee/referee.ts';
import { startAgent, type RunningAgent } from '../harness/agent.ts';
import { CuttingProxy } from '../harness/cutting-proxy.ts';
import type { SearchEngine } from '../servers/search-engine.ts';

const LOOK_MS = 250;
const PAGE = 5000;

/** An index of its own on a real server, a proxy in between, and agents that run one after the other over one folder. */
export class SearchPlace {
  readonly engine: SearchEngine;
  readonly proxy: CuttingProxy;
  readonly folder: string;
  readonly index: string;
  agent: RunningAgent | undefined;

  private constructor(engine: SearchEngine, proxy: CuttingProxy, folder: string) {
    this.engine = engine;
    this.proxy = proxy;
    this.folder = folder;
    this.index = `t${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  }

  static async open(t: TestContext, engine: SearchEngine): Promise<SearchPlace> {
    const proxy = await new CuttingProxy(Number(new URL(engine.url).port)).start();
    const place = new SearchPlace(engine, proxy, await mkdtemp(join(tmpdir(), 'millrace-search-')));
    t.after(async () => {
      await place.agent?.stop();
      await proxy.stop();
      await rm(place.folder, { recursive: true, force: true });
    });
    return place;
  }

  /** The agent over the folder: netcat, the durable channel, this sink. */
  async start(properties: Readonly<Record<string, string>> = {}, more: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<RunningAgent> {
    this.agent = await startAgent({ conf: this.conf(properties, more), folder: this.folder, env });
    await this.agent.ready(60_000);
    return this.agent;
  }

  conf(properties: Readonly<Record<string, string>> = {}, more: readonly string[] = []): string {
    const sink: Record<string, string> = {
      type: 'elasticsearch',
      channel: 'c1',
      hostNames: `http://127.0.0.1:${this.proxy.port}`,
      indexName: this.index,
      indexNameBuilder: 'org.apache.flume.sink.elasticsearch.SimpleIndexNameBuilder',
      batchSize: '500',
      requestTimeout: '2000',
      ...this.engine.login,
      ...properties,
    };
    return [
      'a1.sources = r1',
      'a1.channels = c1',
      'a1.sinks = k1',
      'a1.sources.r1.type = netcat',
      'a1.sources.r1.bind = 127.0.0.1',
      'a1.sources.r1.port = 0',
      'a1.sources.r1.max-line-length = 5000000',
      'a1.sources.r1.channels = c1',
      'a1.channels.c1.type = file',
      'a1.channels.c1.checkpointDir = @FOLDER@/checkpoint',
      'a1.channels.c1.dataDirs = @FOLDER@/data',
      ...Object.entries(sink).map(([key, value]) => `a1.sinks.k1.${key} = ${value}`),
      ...more,
    ].join('\n');
  }

  /** For lines of any content and length. */
  async makeIndex(): Promise<void> {
    const message = { type: 'keyword', index: false, doc_values: false };
    await this.engine.ask('PUT', this.index, { settings: { number_of_replicas: 0, number_of_shards: 1 }, mappings: { properties: { '@message': message } } });
  }

  /** `@message` of every document. */
  async messages(): Promise<unknown[]> {
    const found = await this.engine.documents(this.index).catch(() => new Map<string, Record<string, unknown>>());
    return [...found.values()].map((source) => source['@message']);
  }
}

/** What stands in the index, a document once however often it was written; new ones are found by their sequence number. */
export class IndexedDocuments implements Collector {
  readonly #place: SearchPlace;
  readonly #seen = new Set<string>();
  #last = -1;

  constructor(place: SearchPlace) {
    this.#place = place;
  }

  async look(account: Account): Promise<'more' | 'again'> {
    await sleep(LOOK_MS);
    const { engine, index } = this.#place;
    try {
      await engine.ask('POST', `${index}/_refresh`);
      for (;;) {
        const query = { size: PAGE, seq_no_primary_term: true, query: { range: { _seq_no: { gt: this.#last } } }, sort: [{ _seq_no: 'asc' }] };
        const { hits } = (await engine.ask('POST', `${index}/_search`, query)) as unknown as { hits: { hits: readonly Hit[] } };
        for (const { _id, _seq_no, _source } of hits.hits) {
          this.#last = _seq_no;
          if (!this.#seen.has(_id)) account.see(Buffer.from(String(_source['@message'])));
          this.#seen.add(_id);
        }
        if (hits.hits.length < PAGE) return 'more';
      }
    } catch {
      // The server is away, or there is no index yet.
      return 'more';
    }
  }

  reset(): void {
    this.#seen.clear();
    this.#last = -1;
  }

  finish(): void {}

  async stop(): Promise<void> {}
}

interface Hit {
  readonly _id: string;
  readonly _seq_no: number;
  readonly _source: Record<string, unknown>;
}
