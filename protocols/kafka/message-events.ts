import { Batch, type HeaderRows } from '../../core/batch.ts';
import { decodeHeaders } from '../../core/encoded-headers.ts';
import { AvroCursor } from '../avro-rpc/cursor.ts';
import type { KafkaMessage } from './group-reader.ts';

export interface EventForm {
  /** Values are events in Avro's encoding. */
  readonly avro: boolean;
  /** Adds to the headers that the event brought with it what is known of the record. */
  decorate(headers: Map<string, string>, message: KafkaMessage): void;
  /** A value that is no event. */
  undecodable(message: KafkaMessage, error: unknown): void;
}

/** Events of records, in their order; what cannot be decoded is left out. The values are copied. */
export function eventsOf(messages: readonly KafkaMessage[], form: EventForm): Batch {
  const kept: KafkaMessage[] = [];
  const bounds = new Uint32Array(2 * messages.length);
  const headersAt: number[] = [];
  // A record may have no value, whatever the type says.
  const valueOf = ({ value }: { readonly value?: Buffer }): Buffer | undefined => value;
  let length = 0;
  for (const message of messages) length += valueOf(message)?.length ?? 0;
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const message of messages) {
    const begin = at;
    at += valueOf(message)?.copy(bytes, at) ?? 0;
    let bodyAt = begin;
    if (form.avro) {
      try {
        const cursor = new AvroCursor(bytes.subarray(0, at), begin);
        cursor.skipMap();
        bodyAt = at - cursor.sized().length - cursor.left;
        at -= cursor.left;
      } catch (error) {
        form.undecodable(message, error);
        continue;
      }
    }
    bounds[2 * kept.length] = bodyAt;
    bounds[2 * kept.length + 1] = at;
    headersAt.push(begin);
    kept.push(message);
  }
  const size = kept.length;
  return Batch.over(bytes, bounds.subarray(0, 2 * size), size, new MessageHeaders(kept.map(withoutValue), form, form.avro ? { bytes, at: headersAt } : undefined));
}

/** What is asked of a record once its value is copied, in memory of its own: nothing keeps what the records came in. */
function withoutValue({ key, headerEntries, topic, partition, offset, timestamp }: KafkaMessage): KafkaMessage {
  const copy = (bytes: Buffer | null | undefined): Buffer | undefined => (bytes ? Buffer.from(bytes) : undefined);
  const entries = headerEntries.map(([name, value]) => [copy(name), copy(value)]);
  return { key: copy(key), headerEntries: entries, topic, partition, offset, timestamp } as KafkaMessage;
}

class MessageHeaders implements HeaderRows {
  readonly #messages: readonly KafkaMessage[];
  readonly #form: EventForm;
  readonly #encoded: { readonly bytes: Buffer; readonly at: readonly number[] } | undefined;

  constructor(messages: readonly KafkaMessage[], form: EventForm, encoded: { readonly bytes: Buffer; readonly at: readonly number[] } | undefined) {
    this.#messages = messages;
    this.#form = form;
    this.#encoded = encoded;
  }

  at(row: number): ReadonlyMap<string, string> {
    const encoded = this.#encoded;
    const headers = encoded ? decodeHeaders(encoded.bytes, encoded.at[row] as number) : new Map<string, string>();
    this.#form.decorate(headers, this.#messages[row] as KafkaMessage);
    return headers;
  }

  get(row: number, name: string): string | undefined {
    return this.at(row).get(name);
  }
}

/** What to commit once all of `messages` are done with: the offset behind the last of each partition. */
export function offsetsBehind(messages: readonly KafkaMessage[]): Map<string, { topic: string; partition: number; offset: bigint; leaderEpoch: number }> {
  const offsets = new Map<string, { topic: string; partition: number; offset: bigint; leaderEpoch: number }>();
  for (const { topic, partition, offset, leaderEpoch } of messages) offsets.set(`${topic}/${partition}`, { topic, partition, offset: offset + 1n, leaderEpoch });
  return offsets;
}
