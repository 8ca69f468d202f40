import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { reachableAt } from '../../core/address.ts';
import type { Batch } from '../../core/batch.ts';
import { ByteWindow } from '../../core/byte-window.ts';
import type { Description, Source, SourceContext } from '../../core/component.ts';
import { describeError, isAbort } from '../../core/errors.ts';
import { chunkWasRead } from '../../io/read-memory.ts';
import { listenTcp, remoteAddress, toldTo, type TcpServer } from '../../io/tcp-server.ts';
import { acceptLayers } from '../../io/tls/layers.ts';
import type { TlsLists } from '../../io/tls/tls-names.ts';
import { TlsStores } from '../../io/tls/tls-stores.ts';
import type { SenderHeaders } from './events.ts';
import { Senders, type SenderSettings } from './senders.ts';

/** Bytes of records of all connections that wait to be stored before no more are read. */
const WINDOW_BYTES = 8 * 1024 * 1024;
const HANDSHAKE_MS = 10_000;

export interface SyslogTcpSettings extends TlsLists, SenderSettings {
  /** Absent: every address. */
  readonly host: string | undefined;
  /** With several of them one that cannot be had is left out. */
  readonly ports: readonly number[];
  readonly tls: { readonly path: string; readonly password: string | undefined } | undefined;
}

/** Makes events of the records in `bytes`, which came in at `port`. */
export type ReadRecords = (bytes: Buffer, sender: SenderHeaders, port: number) => RecordsRead;

export interface RecordsRead {
  readonly batches: readonly Batch[];
  /** Where what is unfinished begins; it is handed in again, in front of what follows. */
  readonly next: number;
  /** Records that count as not readable. */
  readonly invalid?: number;
}

interface Connection {
  readonly stream: Duplex;
  readonly sender: SenderHeaders;
  readonly port: number;
  rest: Buffer;
}

/** Syslog has no answers: while the channels have no room, connections are not read. What was read and not stored when the source stops is said. */
export class SyslogTcpSource implements Source {
  readonly #context: SourceContext;
  readonly #settings: SyslogTcpSettings;
  readonly #records: ReadRecords;
  readonly #senders: Senders;
  readonly #window = new ByteWindow(WINDOW_BYTES);
  readonly #streams = new Set<Duplex>();
  readonly #open = new Set<Promise<void>>();
  #tls: TlsStores | undefined;
  #servers: TcpServer[] = [];

  constructor(context: SourceContext, settings: SyslogTcpSettings, records: ReadRecords) {
    this.#context = context;
    this.#settings = settings;
    this.#records = records;
    this.#senders = new Senders(settings);
  }

  async start(): Promise<void> {
    const { ports, tls } = this.#settings;
    if (tls) this.#tls = await TlsStores.forServer({ keystore: tls, truststore: undefined, lists: this.#settings, log: this.#context.log });
    const failures: unknown[] = [];
    for (const port of ports) {
      try {
        this.#servers.push(await this.#listen(port));
      } catch (error) {
        failures.push(error);
      }
    }
    if (this.#servers.length === 0) throw failures[0];
    for (const error of failures) this.#context.log.error('port left out until the source starts again: nothing can listen on it', { reason: describeError(error) });
  }

  #listen(port: number): Promise<TcpServer> {
    return listenTcp({
      host: this.#settings.host,
      port,
      maxConnections: Infinity,
      connected: (socket) => void this.#connected(socket),
      ...toldTo(this.#context),
    });
  }

  async stop(): Promise<void> {
    const closed = this.#servers.map((server) => server.close());
    this.#tls?.close();
    for (const stream of this.#streams) stream.destroy();
    await Promise.all(this.#open);
    await Promise.all(closed);
    this.#servers = [];
  }

  describe(): Description {
    const [first] = this.#servers;
    if (!first) return {};
    const { host, port } = reachableAt(first.address);
    return {
      summary: 'a record per line, not answered',
      endpoints: this.#servers.map(({ address }) => ({ protocol: 'tcp', address, tls: this.#settings.tls !== undefined, authentication: false })),
      tryIt: `echo '<13>Oct 11 22:14:15 myhost hello' | nc -w 1 ${host} ${port}`,
    };
  }

  /** Never rejects. */
  async #connected(socket: Socket): Promise<void> {
    const { count, log } = this.#context;
    this.#streams.add(socket);
    this.#context.count('OpenConnectionCount', 1);
    socket.once('close', () => {
      this.#streams.delete(socket);
      this.#context.count('OpenConnectionCount', -1);
    });
    socket.on('error', () => undefined);
    try {
      const stream = await acceptLayers(socket, { tls: this.#tls, deadlineMs: HANDSHAKE_MS });
      const sender = this.#senders.isNeeded ? await this.#senders.headersOf(remoteAddress(socket)) : [];
      this.#read({ stream, sender, port: socket.localPort ?? 0, rest: Buffer.alloc(0) });
    } catch (error) {
      count.call(this.#context, 'TlsHandshakeFailedCount', 1);
      log.warn('connection refused: no TLS', { peer: `${socket.remoteAddress}:${socket.remotePort}`, reason: describeError(error) });
    }
  }

  #read(connection: Connection): void {
    const { stream } = connection;
    const hold = (): void => {
      stream.pause();
      this.#window.whenRoom(resume);
    };
    const resume = (): void => {
      this.#window.whenFull(hold);
      stream.resume();
    };
    stream.on('data', (chunk: Buffer) => this.#received(connection, chunk));
    stream.on('error', () => undefined);
    stream.once('end', () => stream.end());
    stream.once('close', () => {
      this.#window.forget(hold);
      this.#window.forget(resume);
      if (connection.rest.length === 0) return;
      this.#context.count('EventIncompleteCount', 1);
      this.#context.log.warn('record without an end dropped: the connection was closed', { bytes: connection.rest.length });
    });
    if (this.#window.isFull) hold();
    else resume();
  }

  #received(connection: Connection, chunk: Buffer): void {
    const { sender, port, rest } = connection;
    chunkWasRead(chunk.length);
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const { batches, next, invalid = 0 } = this.#records(bytes, sender, port);
    connection.rest = next < bytes.length ? Buffer.from(bytes.subarray(next)) : Buffer.alloc(0);
    if (invalid > 0) this.#context.count('EventReadFail', invalid);
    if (batches.length === 0) return;
    this.#window.take(bytes.length);
    const settled = Promise.all(batches.map((batch) => this.#deliver(batch))).then(() => {
      this.#open.delete(settled);
      this.#window.giveBack(bytes.length);
    });
    this.#open.add(settled);
  }

  /** Never rejects. */
  async #deliver(batch: Batch): Promise<void> {
    const { size } = batch;
    this.#context.count('EventReceivedCount', size);
    try {
      await this.#context.deliver(batch, { wait: true, refused: () => this.#context.count('ChannelWriteFail', 1) });
      this.#context.count('EventAcceptedCount', size);
    } catch (error) {
      this.#context.count(isAbort(error) ? 'ChannelWriteFail' : 'EventReadFail', 1);
      this.#context.count('EventDroppedCount', size);
      const reason = isAbort(error) ? 'the source stopped before a channel took them' : describeError(error);
      this.#context.log.error('records were dropped', { records: size, reason });
    }
  }
}
