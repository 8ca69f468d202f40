import { define, type Finding } from '../core/define.ts';
import { choice, ignored, integer, option, prefix, string, type Option } from '../core/options.ts';

const CLASS = 'org.apache.flume.sink.elasticsearch.ElasticSearchSink';
const SERIALIZERS = [
  'org.apache.flume.sink.elasticsearch.ElasticSearchLogStashEventSerializer',
  'org.apache.flume.sink.elasticsearch.ElasticSearchDynamicSerializer',
] as const;
const NAME_BUILDERS = [
  'org.apache.flume.sink.elasticsearch.TimeBasedIndexNameBuilder',
  'org.apache.flume.sink.elasticsearch.SimpleIndexNameBuilder',
] as const;

/** Of Flume up to 1.9. */
export const elasticsearchSink = define('sink', {
  types: ['elasticsearch', CLASS],
  summary: 'Writes events as documents into Elasticsearch.',
  options: {
    hostNames: string({ doc: 'Servers: host or host:port, separated by commas.' }),
    indexName: string({ default: 'flume', doc: 'Beginning of the name of the index, with escapes; the day follows.' }),
    indexType: string({ default: 'log', doc: 'Type of the documents, with escapes.' }),
    clusterName: string({ default: 'elasticsearch', doc: 'Name of the cluster, for client = transport.' }),
    batchSize: integer({ default: 100, min: 1, doc: 'Most events taken from the channel at a time.' }),
    ttl: timeToLive(),
    client: choice({ values: ['transport', 'rest'], default: 'transport', doc: 'Speak the protocol of old servers, or HTTP.' }),
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
  },
  check: ({ hostNames }): readonly Finding[] =>
    hostNames.split(',').every((host) => host.trim() !== '')
      ? []
      : [{ option: 'hostNames', effect: 'refuse', sentence: 'has a server without a name' }],
  batchSizeOption: 'batchSize',
  flume: { notLoadable: CLASS },
});

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
