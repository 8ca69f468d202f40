import type { Context } from '../../core/component.ts';
import type { Values } from '../../core/define.ts';

import { compileEscapes, type Escapes } from '../../core/path-escapes.ts';
import { documentMaker } from './documents.ts';
import { ElasticsearchSink } from './elasticsearch-sink.ts';
import type { elasticsearchOptions } from './index.ts';
import type { Login } from './requests.ts';
import { parseHosts, type SinkSettings } from './settings.ts';

type Options = Values<typeof elasticsearchOptions>;

const MOST_ANSWER_BYTES = 128 * 1024 * 1024;

export async function createElasticsearchSink(context: Context, values: Options): Promise<ElasticsearchSink> {
  const parsed = parseHosts(values.hostNames, values.client);
  if ('fault' in parsed) throw new Error(`hostNames ${parsed.fault}`);
  const compile = await compiler(values);
  const { dataStream, documentId } = values;
  const index = dataStream ?? values.indexName;
  tellWhatHasNoMeaning(context, values);
  return new ElasticsearchSink(context, {
    settings: settingsOf(values, parsed.urls, index),
    actions: {
      operation: values.opType ?? (dataStream === undefined ? 'index' : 'create'),
      index: compile(index),
      daily: dataStream === undefined && values.indexNameBuilder.endsWith('TimeBasedIndexNameBuilder'),
      id: documentId === 'origin' || documentId === 'server' ? documentId : compile(documentId),
      ...(values.routing !== undefined && { routing: compile(values.routing) }),
    },
    document: documentMaker({
      form: values.documents === 'body' ? 'body' : values.serializer.endsWith('DynamicSerializer') ? 'dynamic' : 'logstash',
      needsTimestamp: dataStream !== undefined,
    }),
    decoding: {
      notUtf8: values.notUtf8,
      replaced: () => {
        context.count('EventNotUtf8Count', 1);
        context.log.warn('a body is not UTF-8; what cannot be read in it becomes U+FFFD, as in Flume (see notUtf8)');
      },
    },
  });
}

async function compiler({ indexName, dataStream, documentId, routing }: Options): Promise<(template: string) => Escapes> {
  const needsHosts = [indexName, dataStream, documentId, routing].some((text) => text?.includes('%['));
  const hosts = needsHosts ? { hosts: await (await import('../../core/local-host.ts')).hostNames() } : {};
  return (template) => compileEscapes(template, hosts);
}

function settingsOf(values: Options, urls: readonly URL[], index: string): SinkSettings {
  const { ca, certificate, key, keyPassword, pipeline } = values;
  const login = loginOf(values);
  const files = {
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { certificate }),
    ...(key !== undefined && { key }),
    ...(keyPassword !== undefined && { keyPassword }),
  };
  return {
    urls,
    batchSize: values.batchSize,
    mostRequestBytes: values.maxRequestBytes,
    compression: values.compression,
    ...(pipeline !== undefined && { pipeline }),
    ...(login && { login }),
    http: {
      connectTimeoutMs: values.connectTimeout,
      answerTimeoutMs: values.requestTimeout,
      mostAnswerBytes: MOST_ANSWER_BYTES,
      ...(Object.keys(files).length > 0 && { tls: files }),
    },
    index,
  };
}

function loginOf({ username, password, apiKey }: Options): Login | undefined {
  if (apiKey !== undefined) return { kind: 'api key', key: apiKey };
  return username === undefined ? undefined : { kind: 'basic', username, password: password ?? '' };
}

/** Once, for all that stands in the file and that servers since Elasticsearch 7 know nothing of. */
function tellWhatHasNoMeaning(context: Context, { client, clusterName, indexType, ttl, hostNames }: Options): void {
  const lost = [
    ...(client === 'transport' && /:93[0-9][0-9]\b/.test(hostNames) ? ['ports from 9300 on are those of the old protocol: the HTTP port beside is used, 9200 for 9300'] : []),
    ...(clusterName === 'elasticsearch' ? [] : ['clusterName: over HTTP the address says which cluster']),
    ...(indexType === 'log' ? [] : ['indexType: documents have no types any more']),
    ...(ttl === 0 ? [] : ['ttl: documents stay; have indices deleted by a lifecycle policy']),
  ];
  if (lost.length > 0) context.log.warn('some settings have no meaning for servers of today', { settings: lost.join('; ') });
}
