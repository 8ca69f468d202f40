import type { Batch } from '../../core/batch.ts';
import type { Origin } from '../../core/component.ts';
import type { AvroWriter } from '../avro-writer.ts';
import { BLOCK_CALL, writeBlock } from './block.ts';
import { AvroCursor, AvroFormatError } from './cursor.ts';
import { writeEvents } from './events.ts';
import { FLUME_HASH, MATCH, PROTOCOL_HASH, PROTOCOL_TEXT, readHandshakeResponse, writeHandshakeRequest } from './handshake.ts';
import { encodeOrigin, ORIGIN_ENTRY } from './origin.ts';
import { STATUS } from './server-session.ts';

export type Answer =
  | { readonly kind: 'stored' }
  /** The receiver does not know our protocol by its hash: the same request is to be sent again. */
  | { readonly kind: 'again' }
  | { readonly kind: 'refused'; readonly reason: string };

/** What a receiver of ours can do that Flume cannot. */
const TAKES_BLOCKS = 2;

/** The sending end of one connection: several calls may be under way once the first was answered. Does no I/O. */
export class ClientSession {
  #established = false;
  /** After a receiver that knows only protocols whose text it was told. */
  #tellText = false;
  #serverHash = FLUME_HASH;
  #receiverVersion = 0;

  /** Whether the receiver said that it is an agent of ours; not before its first answer. */
  get receiverIsOurs(): boolean {
    return this.#receiverVersion > 0;
  }

  /** The message for a batch and where its events come from, if that is known, in pieces: written into `writer`, whose content holds until the answer. */
  request(writer: AvroWriter, batch: Batch, origin?: Origin): readonly Buffer[] {
    writer.truncate(0);
    if (!this.#established) {
      writeHandshakeRequest(writer, {
        clientHash: this.#tellText ? PROTOCOL_HASH : FLUME_HASH,
        clientProtocol: this.#tellText ? PROTOCOL_TEXT : undefined,
        serverHash: this.#serverHash,
        isOurs: true,
      });
    }
    if (origin) {
      writer.count(1);
      writer.string(ORIGIN_ENTRY);
      writer.bytes(encodeOrigin(origin));
    }
    writer.count(0);
    if (this.#receiverVersion >= TAKES_BLOCKS) {
      writer.string(BLOCK_CALL);
      const bodies = writeBlock(writer, batch);
      return [writer.view(0), bodies];
    }
    writer.string('appendBatch');
    writeEvents(writer, batch);
    return [writer.view(0)];
  }

  /** Throws AvroFormatError where the answer cannot be understood. */
  receive(message: Buffer): Answer {
    const cursor = new AvroCursor(message);
    if (!this.#established) {
      const { match, serverHash, ourVersion } = readHandshakeResponse(cursor);
      if (serverHash) this.#serverHash = Buffer.from(serverHash);
      if (match === MATCH.none) {
        if (this.#tellText) throw new AvroFormatError('the receiver does not take our protocol, whose text it was told: is it an avro source of Flume?');
        this.#tellText = true;
        return { kind: 'again' };
      }
      this.#established = true;
      this.#receiverVersion = ourVersion;
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
