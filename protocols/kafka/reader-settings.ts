import type { ClientOptions } from './library.ts';
import type { FetcherSettings } from './fetcher.ts';
import type { GroupReaderSettings } from './group-reader.ts';
import { numberOf, type KafkaProperties } from './properties.ts';

/** Kafka waits five minutes before it looks for new topics; so long nobody waits here. */
const LONGEST_LOOK_MS = 30_000;

/** Bytes of one answer at most: what is not yet in a channel lies in memory. */
const FETCH_BYTES = 4 * 1024 * 1024;

/** A reader from the settings of a Java consumer. */
export function readerSettings(
  client: ClientOptions,
  properties: KafkaProperties,
  more: Pick<GroupReaderSettings, 'groupId' | 'topics'> & Pick<FetcherSettings, 'withHeaders' | 'wereRead'> & { readonly offsetReset?: string },
): GroupReaderSettings {
  const reset = more.offsetReset ?? properties.get('auto.offset.reset') ?? 'latest';
  const maxBytes = numberOf(properties, 'fetch.max.bytes', FETCH_BYTES);
  return {
    client,
    groupId: more.groupId,
    groupInstanceId: properties.get('group.instance.id'),
    topics: more.topics,
    lookMs: Math.min(LONGEST_LOOK_MS, numberOf(properties, 'metadata.max.age.ms', LONGEST_LOOK_MS)),
    offsetReset: reset === 'earliest' || reset === 'latest' ? reset : 'fail',
    sessionTimeoutMs: numberOf(properties, 'session.timeout.ms', 10_000),
    rebalanceTimeoutMs: numberOf(properties, 'max.poll.interval.ms', 60_000),
    heartbeatMs: numberOf(properties, 'heartbeat.interval.ms', 3000),
    fetch: {
      withHeaders: more.withHeaders,
      ...(more.wereRead && { wereRead: more.wereRead }),
      committedOnly: properties.get('isolation.level') === 'read_committed',
      minBytes: numberOf(properties, 'fetch.min.bytes', 1),
      maxBytes,
      maxBytesPerPartition: Math.min(maxBytes, numberOf(properties, 'max.partition.fetch.bytes', 1024 * 1024)),
      maxWaitMs: numberOf(properties, 'fetch.max.wait.ms', 500),
    },
  };
}
