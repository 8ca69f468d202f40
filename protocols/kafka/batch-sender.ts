import type { Batch } from '../../core/batch.ts';
import type { RejectionDetail } from '../../core/errors.ts';
import { AvroWriter } from '../avro-writer.ts';
import { partitionOfKey } from './partition-of-key.ts';
import type { KafkaProducer, Piece, Refusal } from './producer.ts';
import { RecordBatchWriter, releaseBytes, type Compression, type RecordHeader } from './record-batch.ts';

/** Where a record goes, and what it has beside its value. */
export interface RecordPlan {
  readonly topic: string;
  readonly partition?: number | undefined;
  readonly key?: Buffer | undefined;
  readonly headers?: readonly RecordHeader[] | undefined;
  readonly timeMs?: number | undefined;
}

export interface SenderSettings {
  readonly compression: Compression;
  /** Most bytes of a record batch before compression, and of a single record. */
  readonly mostBytes: number;
  /** Values are events in Avro's encoding, headers and all. */
  readonly avro: boolean;
  /** Where event `index` goes, or why it never can; asked once where all events have the same headers. */
  plan(batch: Batch, index: number): RecordPlan | { readonly rejected: string };
}

/** An event that Kafka will never take. */
export interface Rejected extends RejectionDetail {
  readonly index: number;
}

/** Records without a key and a partition go to one partition until it has so many bytes, then to the next. */
const STICKY_BYTES = 256 * 1024;
/** What a record has around its value at most, keys and headers apart. */
const RECORD_FRAME_BYTES = 32;

/** Events that go to one partition, in order. */
interface Lane {
  readonly topic: string;
  readonly partition: number;
  rows: number[];
  /** Most of them in one piece: fewer after a piece was too large for the broker. */
  most: number;
}

/** Writes batches to Kafka by a producer: decides on partitions, makes record batches, and sets aside what is never taken. */
export class BatchSender {
  readonly #producer: KafkaProducer;
  readonly #settings: SenderSettings;
  readonly #writer = new RecordBatchWriter();
  readonly #avro = new AvroWriter();
  #turn = 0;

  constructor(producer: KafkaProducer, settings: SenderSettings) {
    this.#producer = producer;
    this.#settings = settings;
  }

  /** Resolves when Kafka has every event but those that are answered. Throws as `KafkaProducer.send`. */
  async send(batch: Batch, signal: AbortSignal): Promise<readonly Rejected[]> {
    const rejected: Rejected[] = [];
    const plans = this.#plans(batch, rejected);
    let lanes = await this.#lanes(batch, plans, rejected);
    while (lanes.length > 0) {
      const rowsOf = new Map<Piece, { lane: Lane; rows: number[] }>();
      for (const lane of lanes) {
        const made = await this.#piece(batch, lane, plans, rejected);
        if (made) rowsOf.set(made.piece, { lane, rows: made.rows });
      }
      const refusals = await this.#producer.send([...rowsOf.keys()], signal);
      for (const { bytes } of rowsOf.keys()) releaseBytes(bytes);
      for (const { lane } of rowsOf.values()) lane.most *= 2;
      for (const refusal of refusals) {
        const { lane, rows } = rowsOf.get(refusal.piece) as { lane: Lane; rows: number[] };
        if (refusal.tooLarge) lane.most = Math.ceil(rows.length / 2);
        lane.rows = [...afterRefusal(refusal, rows, rejected), ...lane.rows];
      }
      lanes = lanes.filter((lane) => lane.rows.length > 0);
    }
    return rejected;
  }

  #plans(batch: Batch, rejected: Rejected[]): (index: number) => RecordPlan | undefined {
    const accepted = (index: number): RecordPlan | undefined => {
      const plan = this.#settings.plan(batch, index);
      if (!('rejected' in plan)) return plan;
      rejected.push({ index, reason: plan.rejected });
      return undefined;
    };
    if (batch.hasOwnHeaders || batch.size === 0) {
      const plans = Array.from({ length: batch.size }, (_, index) => accepted(index));
      return (index) => plans[index];
    }
    const shared = this.#settings.plan(batch, 0);
    if (!('rejected' in shared)) return () => shared;
    for (let index = 0; index < batch.size; index++) rejected.push({ index, reason: shared.rejected });
    return () => undefined;
  }

  async #lanes(batch: Batch, planOf: (index: number) => RecordPlan | undefined, rejected: Rejected[]): Promise<Lane[]> {
    const lanes = new Map<string, Map<number, Lane>>();
    const counts = new Map<string, number>();
    let sticky = 0;
    for (let index = 0; index < batch.size; index++) {
      const plan = planOf(index);
      if (!plan) continue;
      const { topic, key } = plan;
      let count = counts.get(topic);
      if (count === undefined) counts.set(topic, (count = await this.#producer.partitions(topic)));
      if (plan.partition !== undefined && plan.partition >= count) {
        rejected.push({ index, reason: `partition ${plan.partition} is asked for, and the topic ${topic} has ${count} partitions, from 0 on` });
        continue;
      }
      if (sticky >= STICKY_BYTES) {
        this.#turn++;
        sticky = 0;
      }
      sticky += (batch.bounds[2 * index + 1] as number) - (batch.bounds[2 * index] as number);
      const partition = plan.partition ?? (key ? partitionOfKey(key, count) : this.#turn % count);
      let ofTopic = lanes.get(topic);
      if (!ofTopic) lanes.set(topic, (ofTopic = new Map<number, Lane>()));
      const lane = ofTopic.get(partition);
      if (lane) lane.rows.push(index);
      else ofTopic.set(partition, { topic, partition, rows: [index], most: batch.size });
    }
    this.#turn++;
    return [...lanes.values()].flatMap((ofTopic) => [...ofTopic.values()]);
  }

  /** The next piece of a lane; the rows in it leave the lane. */
  async #piece(batch: Batch, lane: Lane, planOf: (index: number) => RecordPlan | undefined, rejected: Rejected[]): Promise<{ piece: Piece; rows: number[] } | undefined> {
    const { mostBytes, compression } = this.#settings;
    const writer = this.#writer;
    const { bytes, bounds } = batch;
    const rows: number[] = [];
    let at = 0;
    writer.begin(Date.now());
    for (; at < lane.rows.length && rows.length < lane.most; at++) {
      const index = lane.rows[at] as number;
      const { key, headers, timeMs } = planOf(index) as RecordPlan;
      const begin = bounds[2 * index] as number;
      const end = bounds[2 * index + 1] as number;
      const prefix = this.#settings.avro ? this.#avroPrefix(batch, index, end - begin) : undefined;
      let size = end - begin + RECORD_FRAME_BYTES + (prefix?.length ?? 0) + (key?.length ?? 0);
      if (headers) for (const { name, value } of headers) size += name.length + value.length + 10;
      if (size > mostBytes) {
        rejected.push({ index, reason: `it makes a record of ${size} bytes, and kafka.producer.max.request.size allows ${mostBytes}` });
        continue;
      }
      if (writer.count > 0 && writer.length + size > mostBytes) break;
      writer.add(bytes, begin, end, prefix, key, headers, timeMs);
      rows.push(index);
    }
    lane.rows = lane.rows.slice(at);
    if (rows.length === 0) return undefined;
    const { topic, partition } = lane;
    return { piece: { topic, partition, bytes: await writer.end(compression, this.#producer.compress), count: rows.length }, rows };
  }

  /** Headers and the length of the body: what stands before it in Avro's encoding. */
  #avroPrefix(batch: Batch, index: number, bodyLength: number): Buffer {
    const avro = this.#avro;
    avro.truncate(0);
    const encoded = batch.encodedHeaders(index);
    if (encoded) {
      avro.raw(encoded);
    } else {
      const headers = batch.headers(index);
      if (headers.size > 0) avro.count(headers.size);
      for (const [name, value] of headers) {
        avro.string(name);
        avro.string(value);
      }
      avro.count(0);
    }
    avro.count(bodyLength);
    return avro.view(0);
  }
}

/** The rows of a refused piece that are to be sent again: halves of what was too large, until the record at fault is alone. */
function afterRefusal({ tooLarge, records, reason }: Refusal, rows: number[], rejected: Rejected[]): number[] {
  if (tooLarge && rows.length > 1) return rows;
  const bad = new Set(records ?? rows.keys());
  const rest: number[] = [];
  for (const [place, index] of rows.entries()) {
    if (bad.has(place)) rejected.push({ index, reason });
    else rest.push(index);
  }
  return rest;
}
