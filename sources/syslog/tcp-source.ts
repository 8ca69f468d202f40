import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { reachableAt } from '../../core/address.ts';
import { ByteWindow } from '../../core/byte-window.ts';
import type { Description, Source, SourceContext } from '../../core/component.ts';
import { describeError, isAbort } from '../../core/errors.ts';
import { chunkWasRead } from '../../io/read-memory.ts';
import { listenTcp, toldTo, type TcpServer } from '../../io/tcp-server.ts';
import { acceptLayers } from '../../io/tls/layers.ts';
import type { TlsLists } from '../../io/tls/tls-names.ts';
import { TlsStores } from '../../io/tls/tls-stores.ts';
import { RecordScanner } from '../../protocols/syslog-records.ts';
import { keptFields, syslogEvents, type KeptFields, type SenderHeaders } from './events.ts';
import { Senders, type SenderSettings } from './senders.ts';

/** Bytes of records of all connections that wait to be stored before no more are read. */
const WINDOW_BYTES = 8 * 1024 * 1024;
const HANDSHAKE_MS = 10_000;

export interface SyslogTcpSettings extends TlsLists, SenderSettings {
  readonly host: string;
  readonly port: number;
  readonly eventSize: number;
  readonly keepFields: string;
  readonly tls: { readonly path: string; readonly password: string | undefined } | undefined;
}

interface Connection {
  readonly stream: Duplex;
  readonly scanner: RecordScanner;
  readonly senders: readonly SenderHeaders[];
  rest: Buffer;
}

/** Syslog has no answers: while the channels have no room, connections are not read. What was read and not stored when the source stops is said. */
export class SyslogTcpSource implements Source {
  readonly #context: SourceContext;
  readonly #settings: SyslogTcpSettings;
  readonly #keep: KeptFields;
  readonly #senders: Senders;
  readonly #window = new ByteWindow(WINDOW_BYTES);
  readonly #streams = new Set<Duplex>();
  readonly #open = new Set<Promise<void>>();
  #tls: TlsStores | undefined;
  #server: TcpServer | undefined;

  constructor(context: SourceContext, settings: SyslogTcpSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#keep = keptFields(settings.keepFields);
    this.#senders = new Senders(settings);
  }

  async start(): Promise<void> {
    const { host, port, tls } = this.#settings;
    if (tls) this.#tls = await TlsStores.forServer({ keystore: tls, truststore: undefined, lists: this.#settings, log: this.#context.log });
    this.#server = await listenTcp({
      host,
      port,
      maxConnections: Infinity,
      connected: (socket) => void this.#connected(socket),
      ...toldTo(this.#context),
    });
  }

  async stop(): Promise<void> {
    const closed = this.#server?.close();
    this.#tls?.close();
    for (const stream of this.#streams) stream.destroy();
    await Promise.all(this.#open);
    await closed;
    this.#server = undefined;
  }

  describe(): Description {
    const address = this.#server?.address;
    if (!address) return {};
    const { host, port } = reachableAt(address);
    return {
      summary: 'a record per line, not answered',
      endpoints: [{ protocol: 'tcp', address, tls: this.#settings.tls !== undefined, authentication: false }],
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
      const headers = this.#senders.isNeeded ? await this.#senders.headersOf((socket.remoteAddress ?? '').replace(/^::ffff:(?=[0-9.]+$)/, '')) : [];
      this.#read({ stream, scanner: new RecordScanner(this.#settings.eventSize), senders: [headers], rest: Buffer.alloc(0) });
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
    const { scanner, senders, rest } = connection;
    chunkWasRead(chunk.length);
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const records = scanner.scan(bytes);
    connection.rest = scanner.next < bytes.length ? Buffer.from(bytes.subarray(scanner.next)) : Buffer.alloc(0);
    if (records.length === 0) return;
    const batch = syslogEvents(bytes, records, this.#keep, senders);
    this.#window.take(bytes.length);
    const settled = this.#deliver(batch).finally(() => {
      this.#open.delete(settled);
      this.#window.giveBack(bytes.length);
    });
    this.#open.add(settled);
  }

  async #deliver(batch: Parameters<SourceContext['deliver']>[0]): Promise<void> {
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
