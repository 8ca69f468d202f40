import { Batch } from '../../core/batch.ts';
import { AvroWriter } from '../avro-writer.ts';
import { BLOCK_CALL, readBlock } from './block.ts';
import { protocolFault } from './client-protocol.ts';
import { AvroCursor, AvroFormatError } from './cursor.ts';
import { readEvent, readEvents, TooManyEventsError } from './events.ts';
import { FLUME_HASH, MATCH, PROTOCOL_HASH, readHandshakeRequest, writeHandshakeResponse, type HandshakeRequest, type Match } from './handshake.ts';
import { decodeOrigin, ORIGIN_ENTRY } from './origin.ts';

/** Values of the protocol's enum Status, as on the wire. */
export const STATUS = { ok: 0, failed: 1, unknown: 2 } as const;
export type Status = (typeof STATUS)[keyof typeof STATUS];

/** Most events of a call that says where they come from: it may be stored in pieces, since none is stored twice if it comes again. */
const MOST_NUMBERED_EVENTS = 100_000;
/** Most client protocols that are remembered besides our own. */
const MOST_LEARNED = 256;

/** Protocols of clients, by their hashes, that are known to send events as we read them. Shared by the connections of a source. */
export class KnownProtocols {
  readonly #hashes = new Set([hex(FLUME_HASH), hex(PROTOCOL_HASH)]);

  has(hash: Buffer): boolean {
    return this.#hashes.has(hex(hash));
  }

  learn(hash: Buffer): void {
    if (this.#hashes.size < MOST_LEARNED) this.#hashes.add(hex(hash));
  }
}

/** What is to be done with a message. */
export type Request =
  | { readonly kind: 'answer'; readonly answer: Buffer }
  /** The call cannot be executed, for `reason`; the answer tells the client. */
  | { readonly kind: 'refused'; readonly answer: Buffer; readonly reason: string }
  /** A call whose events are to be stored; a block where an agent of ours sends it. The session's `status` or `error` makes its answer, which begins with `handshake`. */
  | { readonly kind: 'events'; readonly handshake: Buffer; readonly batch: Batch; readonly single: boolean; readonly isBlock: boolean };

export type EventsRequest = Extract<Request, { kind: 'events' }>;

/** The receiving end of one connection: handshake, calls, answers. Does no I/O. */
export class ServerSession {
  readonly #known: KnownProtocols;
  readonly #mostEvents: number;
  #established = false;

  constructor(known: KnownProtocols, mostEvents: number) {
    this.#known = known;
    this.#mostEvents = mostEvents;
  }

  /** Throws AvroFormatError where the message cannot be understood. */
  receive(message: Buffer): Request {
    const cursor = new AvroCursor(message);
    const writer = new AvroWriter(64);
    if (!this.#established) {
      const request = readHandshakeRequest(cursor);
      const refusal = this.#shake(request, writer);
      if (refusal !== undefined) return refusal;
    }
    const handshake = Buffer.from(writer.view(0));
    const meta = cursor.map();
    const name = cursor.sized().toString();
    if (name === '') return { kind: 'answer', answer: handshake };
    if (name !== 'append' && name !== 'appendBatch' && name !== BLOCK_CALL) {
      return { kind: 'answer', answer: errorAnswer(handshake, `No such remote message: ${name.slice(0, 100)}`) };
    }
    const single = name === 'append';
    const origin = meta.get(ORIGIN_ENTRY);
    let batch: Batch;
    try {
      const most = origin ? MOST_NUMBERED_EVENTS : this.#mostEvents;
      batch = single ? readEvent(cursor) : name === BLOCK_CALL ? readBlock(cursor, most) : readEvents(cursor, most);
    } catch (error) {
      if (!(error instanceof TooManyEventsError)) throw error;
      return { kind: 'refused', answer: statusAnswer(handshake, STATUS.failed), reason: error.message };
    }
    if (cursor.left > 0) throw new AvroFormatError(`${cursor.left} bytes follow the events of ${name}`);
    return { kind: 'events', handshake, single, isBlock: name === BLOCK_CALL, batch: origin && batch.size > 0 ? Batch.numbered(batch, decodeOrigin(origin, batch.size)) : batch };
  }

  /** An answer that is the whole message: the call is not executed. */
  #shake({ clientHash, clientProtocol, serverHash, isOurs: isOurClient }: HandshakeRequest, writer: AvroWriter): Request | undefined {
    if (!this.#known.has(clientHash)) {
      const fault = clientProtocol === undefined ? undefined : protocolFault(clientProtocol);
      if (clientProtocol === undefined || fault !== undefined) {
        writeHandshakeResponse(writer, MATCH.none, isOurClient);
        if (fault !== undefined) throw new AvroFormatError(`the client's protocol ${fault}`);
        return { kind: 'answer', answer: Buffer.from(writer.view(0)) };
      }
      this.#known.learn(clientHash);
    }
    const isOurs = serverHash.equals(PROTOCOL_HASH) || serverHash.equals(FLUME_HASH);
    const match: Match = isOurs ? MATCH.both : MATCH.client;
    writeHandshakeResponse(writer, match, isOurClient);
    this.#established = true;
    return undefined;
  }
}

export function statusAnswer(handshake: Buffer, status: Status): Buffer {
  return Buffer.concat([handshake, STATUS_ANSWERS[status] as Buffer]);
}

/** What a client gets where its call could not be executed at all. */
export function errorAnswer(handshake: Buffer, text: string): Buffer {
  const writer = new AvroWriter(128);
  writer.raw(ERROR);
  writer.string(text);
  return Buffer.concat([handshake, writer.view(0)]);
}

/** No metadata, flag true, then the first branch of the error's union, a string. */
const ERROR = Buffer.from([0, 1, 0]);
/** No metadata, flag false, the status. */
const STATUS_ANSWERS = [STATUS.ok, STATUS.failed, STATUS.unknown].map((status) => Buffer.from([0, 0, 2 * status]));

function hex(hash: Buffer): string {
  return hash.toString('hex');
}
