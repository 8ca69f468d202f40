import type * as Library from '@platformatic/kafka';

let loaded: Promise<typeof Library> | undefined;

/** The client library; loaded by the first component that needs Kafka. */
export function kafkaLibrary(): Promise<typeof Library> {
  return (loaded ??= import('@platformatic/kafka'));
}

/** What every client of the library is told. */
export type ClientOptions = Pick<Library.BaseOptions, 'clientId' | 'bootstrapBrokers' | 'sasl' | 'tls' | 'requestTimeout' | 'connectTimeout' | 'metadataMaxAge'>;

/** The protocol's error code in what the library threw, if a broker answered with one. */
export function errorCodeOf(error: unknown): number | undefined {
  const { apiCode, errors, cause } = error as { readonly apiCode?: unknown; readonly errors?: unknown; readonly cause?: unknown };
  if (typeof apiCode === 'number') return apiCode;
  for (const inner of [...(Array.isArray(errors) ? (errors as unknown[]) : []), cause]) {
    const code = typeof inner === 'object' && inner !== null ? errorCodeOf(inner) : undefined;
    if (code !== undefined) return code;
  }
  return undefined;
}
