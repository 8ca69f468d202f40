import type * as Library from '@platformatic/kafka';
import type { Piece } from './producer.ts';

export interface PieceAnswer {
  readonly code: number;
  readonly message: string | null;
  /** Places, in the piece, of the records at fault. */
  readonly records: readonly number[];
}

export interface RequestOptions {
  /** Of the request: 3 to 8, which look alike (Kafka documentation, "Produce API"). */
  readonly version: number;
  readonly acks: -1 | 0 | 1;
  readonly timeoutMs: number;
  /** Of the transaction that the pieces are part of. */
  readonly transactionalId: string | null;
}

const PRODUCE = 0;
const STORED: PieceAnswer = { code: 0, message: null, records: [] };

/** One Produce request; the answers in the order of the pieces. Without acknowledgement it resolves when the request was written. */
export function produce(library: typeof Library, connection: Library.Connection, options: RequestOptions, pieces: readonly Piece[]): Promise<readonly PieceAnswer[]> {
  return new Promise((resolve, reject) => {
    connection.send<Map<string, PieceAnswer>>(
      PRODUCE,
      options.version,
      () => request(library, options, pieces),
      (_correlation, _key, version, reader) => readAnswer(reader, version),
      false,
      false,
      (error, answers) => {
        if (error) return reject(error);
        if (options.acks === 0) return resolve(pieces.map(() => STORED));
        const own = pieces.map(({ topic, partition }) => answers?.get(`${topic}/${partition}`));
        const missing = pieces[own.indexOf(undefined)];
        if (missing) reject(new Error(`the broker's answer does not tell of partition ${missing.partition} of ${missing.topic}`));
        else resolve(own as PieceAnswer[]);
      },
    );
  });
}

function request({ Writer }: typeof Library, { acks, timeoutMs, transactionalId }: RequestOptions, pieces: readonly Piece[]): Library.Writer {
  const topics = Map.groupBy(pieces, ({ topic }) => topic);
  const writer = Writer.create().appendString(transactionalId, false).appendInt16(acks).appendInt32(timeoutMs).appendInt32(topics.size);
  for (const [topic, list] of topics) {
    writer.appendString(topic, false).appendInt32(list.length);
    for (const { partition, bytes } of list) writer.appendInt32(partition).appendInt32(bytes.length).append(bytes);
  }
  if (acks === 0) writer.context['noResponse'] = true;
  return writer;
}

function readAnswer(reader: Library.Reader, version: number): Map<string, PieceAnswer> {
  const answers = new Map<string, PieceAnswer>();
  for (let topics = reader.readInt32(); topics > 0; topics--) {
    const topic = reader.readString(false);
    for (let left = reader.readInt32(); left > 0; left--) {
      const partition = reader.readInt32();
      const code = reader.readInt16();
      // Base offset, time of appending, and, since version 5, the first offset of the log.
      reader.skip(version >= 5 ? 24 : 16);
      const records: number[] = [];
      let message: string | null = null;
      if (version >= 8) {
        for (let faults = reader.readInt32(); faults > 0; faults--) {
          records.push(reader.readInt32());
          message = reader.readNullableString(false) ?? message;
        }
        message = reader.readNullableString(false) ?? message;
      }
      answers.set(`${topic}/${partition}`, { code, message, records });
    }
  }
  return answers;
}
