import { hostname } from 'node:os';
import type { ClientOptions } from './library.ts';
import type { ProducerSettings } from './producer.ts';
import { numberOf, type KafkaProperties } from './properties.ts';
import type { Compression } from './record-batch.ts';

/** Kafka's own default for the size of a request; larger records are refused before they are sent. */
export const DEFAULT_REQUEST_BYTES = 1024 * 1024;

/** A producer from the settings of a Java producer. Repeated batches are recognised by the broker unless acks or `enable.idempotence` say otherwise. */
export function producerSettings(client: ClientOptions, properties: KafkaProperties, acks: string): ProducerSettings {
  return {
    client,
    acks: acks === '0' ? 0 : acks === '1' ? 1 : -1,
    idempotent: (acks === 'all' || acks === '-1') && properties.get('enable.idempotence')?.toLowerCase() !== 'false',
    compression: (properties.get('compression.type') ?? 'none') as Compression,
    deliveryTimeoutMs: numberOf(properties, 'delivery.timeout.ms', 120_000),
    retryBackoffMs: numberOf(properties, 'retry.backoff.ms', 100),
    transactionTimeoutMs: numberOf(properties, 'transaction.timeout.ms', 60_000),
  };
}

/** Under which id a component writes transactions: beside it there is to be no other of its name on this host, or the id is configured. */
export function transactionalId(name: string, properties: KafkaProperties): string {
  return properties.get('transactional.id') ?? `millrace-${hostname()}-${name}`;
}
