import type * as Library from '@platformatic/kafka';
import { describeError, isAbort } from '../../core/errors.ts';

let loaded: Promise<typeof Library> | undefined;

/** The client library; loaded by the first component that needs Kafka. */
export function kafkaLibrary(): Promise<typeof Library> {
  return (loaded ??= import('@platformatic/kafka'));
}

/** CRC-32C. Given a bare buffer, the library would copy it first. */
export function checksumOf({ crc32c, Reader }: typeof Library): (bytes: Buffer) => number {
  return (bytes) => crc32c(Reader.from(bytes).buffer) >>> 0;
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

/** What the library threw, in words: of several attempts the last, with what was at the bottom of it. */
export function reasonOf(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at instanceof Error; at = 'errors' in at && Array.isArray(at.errors) && at.errors.length > 0 ? (at.errors as unknown[]).at(-1) : at.cause) {
    if (at.message !== '' && !parts.includes(at.message)) parts.push(at.message.replace(/\.$/, ''));
  }
  return parts.length > 0 ? parts.join(': ') : describeError(error);
}

/** The same as an error with those words. */
export function explained(error: unknown): unknown {
  if (isAbort(error) || (error instanceof Error && !('errors' in error))) return error;
  const code = errorCodeOf(error);
  return Object.assign(new Error(reasonOf(error), { cause: error }), code !== undefined && { apiCode: code });
}
