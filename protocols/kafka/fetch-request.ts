import type * as Library from '@platformatic/kafka';

export interface FetchOptions {
  /** Of the request: 4 to 11, in which topics go by their names (Kafka documentation, "Fetch API"). */
  readonly version: number;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  readonly committedOnly: boolean;
}

/** A partition to read from an offset on. */
export interface Wanted {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface PartitionAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly code: number;
  /** Transactions that were given up, by producer and first offset, as far as their records are in the answer. */
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: number }[];
  /** Where its record batches are in the bytes of the answer. */
  readonly begin: number;
  readonly end: number;
}

export interface FetchAnswer {
  readonly bytes: Buffer;
  /** Of the request as a whole. */
  readonly code: number;
  readonly partitions: readonly PartitionAnswer[];
}

const FETCH = 1;
const NO_SESSION_EPOCH = -1;

/** One Fetch request outside of a session. The answer's bytes are copied into what `memory` gives; nothing of them was looked at but the frame. */
export function fetch(library: typeof Library, connection: Library.Connection, options: FetchOptions, wanted: readonly Wanted[], memory: (length: number) => Buffer): Promise<FetchAnswer> {
  return new Promise((resolve, reject) => {
    connection.send<FetchAnswer>(
      FETCH,
      options.version,
      () => request(library, options, wanted),
      (_correlation, _key, version, { buffer, position }) => readAnswer(inOnePiece(buffer.buffers, position, memory(buffer.length)), version),
      false,
      false,
      (error, answer) => {
        if (error) reject(error);
        else resolve(answer as FetchAnswer);
      },
    );
  });
}

/** The chunks from byte `from` of the first on, in the first bytes of `into`. */
function inOnePiece(chunks: readonly Buffer[], from: number, into: Buffer): Buffer {
  let at = 0;
  let skip = from;
  for (const chunk of chunks) {
    at += chunk.copy(into, at, Math.min(skip, chunk.length));
    skip -= Math.min(skip, chunk.length);
  }
  return into.subarray(0, at);
}

function request({ Writer }: typeof Library, options: FetchOptions, wanted: readonly Wanted[]): Library.Writer {
  const { version, maxWaitMs, minBytes, maxBytes, maxBytesPerPartition, committedOnly } = options;
  const topics = Map.groupBy(wanted, ({ topic }) => topic);
  const writer = Writer.create().appendInt32(-1).appendInt32(maxWaitMs).appendInt32(minBytes).appendInt32(maxBytes).appendInt8(committedOnly ? 1 : 0);
  if (version >= 7) writer.appendInt32(0).appendInt32(NO_SESSION_EPOCH);
  writer.appendInt32(topics.size);
  for (const [topic, list] of topics) {
    writer.appendString(topic, false).appendInt32(list.length);
    for (const { partition, offset } of list) {
      writer.appendInt32(partition);
      // Without a leader's epoch, which a broker would compare; the first offset of the log counts between brokers only.
      if (version >= 9) writer.appendInt32(-1);
      writer.appendInt64(BigInt(offset));
      if (version >= 5) writer.appendInt64(-1n);
      writer.appendInt32(maxBytesPerPartition);
    }
  }
  if (version >= 7) writer.appendInt32(0);
  if (version >= 11) writer.appendString('', false);
  return writer;
}

/** `bytes` begin behind the frame's correlation number. */
export function readAnswer(bytes: Buffer, version: number): FetchAnswer {
  let at = 4;
  const int32 = (): number => bytes.readInt32BE((at += 4) - 4);
  const int16 = (): number => bytes.readInt16BE((at += 2) - 2);
  const int64 = (): bigint => bytes.readBigInt64BE((at += 8) - 8);
  const text = (): string => {
    const length = int16();
    return bytes.toString('utf8', at, (at += length));
  };
  const code = version >= 7 ? int16() : 0;
  if (version >= 7) at += 4;
  const partitions: PartitionAnswer[] = [];
  for (let topics = int32(); topics > 0; topics--) {
    const topic = text();
    for (let left = int32(); left > 0; left--) {
      const partition = int32();
      const partitionCode = int16();
      // High watermark, last stable offset and, since version 5, the first offset of the log.
      at += version >= 5 ? 24 : 16;
      const aborted: { producerId: bigint; firstOffset: number }[] = [];
      for (let count = int32(); count > 0; count--) aborted.push({ producerId: int64(), firstOffset: Number(int64()) });
      // A replica that is nearer; we ask for none.
      if (version >= 11) at += 4;
      const length = Math.max(0, int32());
      const begin = at;
      at += length;
      if (at > bytes.length) throw new Error(`an answer of ${bytes.length} bytes announces ${length} at byte ${begin}`);
      partitions.push({ topic, partition, code: partitionCode, aborted, begin, end: at });
    }
  }
  return { bytes, code, partitions };
}
