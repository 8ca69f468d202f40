import { define, type Finding, type Values } from '../../core/define.ts';
import { choice, ignored, integer, option, optional, prefix, string, type Option } from '../../core/options.ts';
import { parseHosts } from './settings.ts';

const CLASS = 'org.apache.flume.sink.elasticsearch.ElasticSearchSink';
const SERIALIZERS = [
  'org.apache.flume.sink.elasticsearch.ElasticSearchLogStashEventSerializer',
  'org.apache.flume.sink.elasticsearch.ElasticSearchDynamicSerializer',
] as const;
const NAME_BUILDERS = [
  'org.apache.flume.sink.elasticsearch.TimeBasedIndexNameBuilder',
  'org.apache.flume.sink.elasticsearch.SimpleIndexNameBuilder',
] as const;

/** The first eight are Flume's, up to 1.9; those behind them are ours. */
export const elasticsearchOptions = {
  hostNames: string({ doc: 'Servers of the cluster, separated by commas: host, host:port, or a URL such as https://host:9200.' }),
  indexName: string({ default: 'flume', doc: 'Beginning of the name of the index, with escapes; the day follows.' }),
  indexType: string({ default: 'log', doc: 'Type of the documents in old servers; those of today have none.' }),
  clusterName: string({ default: 'elasticsearch', doc: 'Name of the cluster in the old protocol; over HTTP the address says it.' }),
  batchSize: integer({ default: 100, min: 1, doc: 'Most events taken from the channel at a time, and sent in one request.' }),
  ttl: timeToLive(),
  client: choice({ values: ['transport', 'rest'], default: 'transport', doc: 'How Flume spoke to the servers; HTTP is spoken either way, by default to port 9200 or, with rest, 80.' }),
  'client.*': prefix({ doc: 'Settings of the client, which Flume does not use.' }),
  serializer: choice({
    values: SERIALIZERS,
    default: SERIALIZERS[0],
    ignoreCase: false,
    doc: 'How an event becomes a document: as logstash does, or body and headers side by side.',
  }),
  'serializer.*': prefix({ doc: 'Settings of the serializer.' }),
  indexNameBuilder: choice({
    values: NAME_BUILDERS,
    default: NAME_BUILDERS[0],
    ignoreCase: false,
    doc: 'Whether the day is part of the name of the index.',
  }),
  'indexNameBuilder.dateFormat': ignored({ doc: 'has no effect in Flume: the day is written yyyy-MM-dd' }),
  'indexNameBuilder.timeZone': ignored({ doc: 'has no effect in Flume: the day is that of UTC' }),
  documents: choice({ values: ['serializer', 'body'], default: 'serializer', doc: 'Made by the serializer, or the body itself, which then has to be a JSON object.' }),
  dataStream: optional(string({ doc: 'Write to this data stream, with escapes, instead of an index: documents are created, and get a @timestamp where they have none.' })),
  opType: optional(choice({ values: ['index', 'create'], doc: 'What is done where a document of the same id is there: write it over, or leave it. Default: index; create for a data stream.' })),
  documentId: string({
    default: 'origin',
    check: (value) => (value === 'origin' || value === 'server' || value.includes('%{') ? undefined : 'is none of origin, server, or a text with %{header}'),
    bad: 'refuse',
    doc: 'Id of a document: origin, the number of the event in its durable channel, so that nothing is there twice; server, made by the server; or a text with headers such as %{id}.',
  }),
  routing: optional(string({ doc: 'Routing of a document, with escapes such as %{customer}.' })),
  pipeline: optional(string({ doc: 'Ingest pipeline that documents go through.' })),
  notUtf8: choice({ values: ['replace', 'latin1', 'reject'], default: 'replace', doc: 'A body that is not UTF-8: replace what cannot be read, read it as ISO 8859-1, or send it to the dead letters.' }),
  maxRequestBytes: integer({ default: 5_242_880, min: 1024, outside: 'refuse', doc: 'Most bytes of one request before compression; a single larger event goes by itself.' }),
  compression: choice({ values: ['none', 'gzip'], default: 'none', doc: 'Compression of requests.' }),
  connectTimeout: integer({ default: 10_000, min: 1, outside: 'refuse', doc: 'Milliseconds to connect.' }),
  requestTimeout: integer({ default: 60_000, min: 1, outside: 'refuse', doc: 'Milliseconds to wait for an answer. The server is told to give up after half of it where shards are missing.' }),
  username: optional(string({ doc: 'Login of basic authentication.' })),
  password: optional(string({ secret: true, doc: 'Password of basic authentication.' })),
  apiKey: optional(string({ secret: true, doc: 'API key, encoded as the server gave it or as id:key.' })),
  ca: optional(string({ doc: 'PEM file of the authorities that certificates of https servers are trusted by.' })),
  certificate: optional(string({ doc: 'PEM file of our certificate and those above it, for servers that ask for one.' })),
  key: optional(string({ doc: 'PEM file of the private key of our certificate.' })),
  keyPassword: optional(string({ secret: true, doc: 'Password of the private key.' })),
};

/** Of Flume up to 1.9. */
export const elasticsearchSink = define('sink', {
  types: ['elasticsearch', CLASS],
  summary: 'Writes events as documents into Elasticsearch or OpenSearch.',
  options: elasticsearchOptions,
  check: (values): readonly Finding[] => [...findings(values)],
  readableFiles: ({ ca, certificate, key }) =>
    (['ca', 'certificate', 'key'] as const).filter((name) => ({ ca, certificate, key })[name] !== undefined),
  batchSizeOption: 'batchSize',
  flume: { notLoadable: CLASS },
  create: async (context, values) => {
    const { createElasticsearchSink } = await import('./create.ts');
    return createElasticsearchSink(context, values);
  },
});

function* findings(values: Values<typeof elasticsearchOptions>): Generator<Finding> {
  const { hostNames, client, dataStream, opType, username, password, apiKey, certificate, key } = values;
  const hosts = parseHosts(hostNames, client);
  if ('fault' in hosts) yield { option: 'hostNames', effect: 'refuse', sentence: hosts.fault };
  for (const option of ['indexName', 'dataStream', 'documentId', 'routing'] as const) {
    const fault = templateFault(values[option]);
    if (fault !== undefined) yield { option, effect: 'refuse', sentence: `cannot be used: ${fault}` };
  }
  if (dataStream !== undefined && opType === 'index') yield { option: 'opType', effect: 'refuse', sentence: 'must be create for a data stream' };
  if (apiKey !== undefined && username !== undefined) yield { option: 'apiKey', effect: 'refuse', sentence: 'is there beside username: one login only' };
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) yield { option: 'apiKey', effect: 'refuse', sentence: 'has characters that no key has' };
  if (password !== undefined && username === undefined) yield { option: 'password', effect: 'refuse', sentence: 'has no username beside it' };
  if ((certificate === undefined) !== (key === undefined)) {
    yield { option: certificate === undefined ? 'key' : 'certificate', effect: 'refuse', sentence: `needs ${certificate === undefined ? 'certificate' : 'key'} beside it` };
  }
}

/** The only fault that a template can have. */
function templateFault(template = ''): string | undefined {
  const names = [...template.matchAll(/%\[([A-Za-z0-9_]+)\]/g)].map(([, name = '']) => name);
  const odd = names.find((name) => !['localhost', 'ip', 'fqdn'].includes(name.toLowerCase()));
  return odd === undefined ? undefined : `there is no %[${odd}], only %[localhost], %[IP] and %[FQDN]`;
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  '': 86_400_000,
};

/** Milliseconds; 0 where documents stay. */
function timeToLive(): Option<number> {
  const spec = { doc: 'How long documents stay, such as 36h (ms, s, m, h, d, w); days if there is no unit.' };
  return option<number>('text', spec, 0, undefined, (raw) => {
    const [, digits = '', unit = ''] = /^([0-9]+)(ms|[smhdw]|)$/.exec(raw) ?? [];
    const value = Number(digits) * (unitMs[unit] ?? 0);
    if (value > 0) return { value };
    return { bad: { effect: 'drop', sentence: 'is not a time such as 36h: digits and one of ms, s, m, h, d, w' } };
  });
}
