import type { Batch } from '../../core/batch.ts';
import { AvroWriter } from '../avro-writer.ts';
import { AvroCursor, AvroFormatError } from './cursor.ts';
import { writeEvents } from './events.ts';
import { FLUME_HASH, MATCH, PROTOCOL_HASH, PROTOCOL_TEXT, readHandshakeResponse, writeHandshakeRequest, writeMap } from './handshake.ts';
import { STATUS } from './server-session.ts';

type Meta = ReadonlyMap<string, Buffer>;
const NO_META: Meta = new Map();

export type Answer =
  | { readonly kind: 'stored' }
  /** The receiver does not know our protocol by its hash: the same request is to be sent again. */
  | { readonly kind: 'again' }
  | { readonly kind: 'refused'; readonly reason: string };

/** The sending end of one connection: one call at a time. Does no I/O. */
export class ClientSession {
  readonly #writer = new AvroWriter();
  /** Sent with the handshake. */
  readonly #meta: Meta;
  #established = false;
  /** After a receiver that knows only protocols whose text it was told. */
  #tellText = false;
  #serverHash = FLUME_HASH;
  #serverMeta: Meta = NO_META;

  constructor(meta: Meta = NO_META) {
    this.#meta = meta;
  }

  /** What the receiver answered to the entries of the handshake. */
  get serverMeta(): Meta {
    return this.#serverMeta;
  }

  /** The message for a batch; it holds until the next call. */
  request(batch: Batch, meta: Meta = NO_META): Buffer {
    const writer = this.#writer;
    writer.truncate(0);
    if (!this.#established) {
      writeHandshakeRequest(writer, {
        clientHash: this.#tellText ? PROTOCOL_HASH : FLUME_HASH,
        clientProtocol: this.#tellText ? PROTOCOL_TEXT : undefined,
        serverHash: this.#serverHash,
        meta: this.#meta,
      });
    }
    writeMap(writer, meta);
    writer.string('appendBatch');
    writeEvents(writer, batch);
    return writer.view(0);
  }

  /** Throws AvroFormatError where the answer cannot be understood. */
  receive(message: Buffer): Answer {
    const cursor = new AvroCursor(message);
    if (!this.#established) {
      const { match, serverHash, meta } = readHandshakeResponse(cursor);
      if (serverHash) this.#serverHash = Buffer.from(serverHash);
      if (match === MATCH.none) {
        if (this.#tellText) throw new AvroFormatError('the receiver does not take our protocol, whose text it was told: is it an avro source of Flume?');
        this.#tellText = true;
        return { kind: 'again' };
      }
      this.#established = true;
      this.#serverMeta = meta;
    }
    cursor.skipMap();
    if (cursor.byte() !== 0) return { kind: 'refused', reason: `the receiver failed: ${errorText(cursor)}` };
    const status = cursor.long();
    if (status === STATUS.ok) return { kind: 'stored' };
    return { kind: 'refused', reason: status === STATUS.failed ? 'the receiver answered FAILED: its channel is full or fails, see its log' : `the receiver answered ${status}` };
  }
}

const MOST_ERROR_TEXT = 300;

function errorText(cursor: AvroCursor): string {
  cursor.long();
  return cursor.sized().toString().slice(0, MOST_ERROR_TEXT);
}
