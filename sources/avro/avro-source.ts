import type { Socket } from 'node:net';
import { ByteWindow } from '../../core/byte-window.ts';
import type { Description, Source, SourceContext } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import { TurnBudget } from '../../core/turn-budget.ts';
import { listenTcp, remoteAddress, toldTo, type TcpServer } from '../../io/tcp-server.ts';
import { acceptLayers } from '../../io/tls/layers.ts';
import type { TlsLists } from '../../io/tls/tls-names.ts';
import { TlsStores } from '../../io/tls/tls-stores.ts';
import { KnownProtocols } from '../../protocols/avro-rpc/server-session.ts';
import { AvroConnection } from './connection.ts';
import { FrameBudget } from './frame-budget.ts';
import { IpFilter } from './ip-filter.ts';

/** Events of all connections that wait to be stored before no more are read. */
const WINDOW_BYTES = 32 * 1024 * 1024;
/** Unfinished messages of all connections together; one more of the largest size comes on top. */
const UNFINISHED_BYTES = 64 * 1024 * 1024;
const TURN_MS = 20;
const HANDSHAKE_MS = 20_000;
const STALL_MS = 60_000;
/** What Netty's zlib codec compresses with. */
const DEFLATE_LEVEL = 6;

export interface AvroSourceSettings extends TlsLists {
  readonly bind: string;
  readonly port: number;
  readonly compressed: boolean;
  readonly tls: { readonly path: string; readonly password: string | undefined } | undefined;
  /** Present: clients must show a certificate that is trusted by it. */
  readonly clients: { readonly path: string; readonly password: string | undefined } | undefined;
  readonly filter: IpFilter | undefined;
  readonly clientIPHeader?: string | undefined;
  readonly clientCertificateHeader?: string | undefined;
  readonly maxConnections: number;
  readonly messageBytes: number;
}

/** Listens for Avro RPC as Flume's avro source does (protocol AvroSourceProtocol). */
export class AvroSource implements Source {
  readonly #context: SourceContext;
  readonly #settings: AvroSourceSettings;
  readonly #connections = new Set<AvroConnection>();
  readonly #handshakes = new Set<Socket>();
  readonly #known = new KnownProtocols();
  readonly #window = new ByteWindow(WINDOW_BYTES);
  readonly #budget = new FrameBudget(UNFINISHED_BYTES);
  readonly #turn = new TurnBudget(TURN_MS);
  #tls: TlsStores | undefined;
  #server: TcpServer | undefined;

  constructor(context: SourceContext, settings: AvroSourceSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  async start(): Promise<void> {
    const { bind, port, maxConnections, tls, clients } = this.#settings;
    if (tls) this.#tls = await TlsStores.forServer({ keystore: tls, truststore: clients, lists: this.#settings, log: this.#context.log });
    this.#server = await listenTcp({
      host: bind,
      port,
      maxConnections: maxConnections || Infinity,
      connected: (socket) => void this.#connected(socket),
      ...toldTo(this.#context),
    });
  }

  async stop(): Promise<void> {
    const closed = this.#server?.close();
    this.#tls?.close();
    for (const socket of this.#handshakes) socket.destroy();
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    await closed;
    this.#server = undefined;
  }

  describe(): Description {
    const address = this.#server?.address;
    if (!address) return {};
    const { tls, clients, compressed } = this.#settings;
    return {
      summary: compressed ? 'Avro RPC, compressed' : 'Avro RPC',
      endpoints: [{ protocol: 'tcp', address, tls: tls !== undefined, authentication: clients !== undefined }],
    };
  }

  /** Never rejects. */
  async #connected(socket: Socket): Promise<void> {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const { filter, compressed, clients, messageBytes, clientIPHeader, clientCertificateHeader } = this.#settings;
    const headers: [string, string][] = clientIPHeader === undefined ? [] : [[clientIPHeader, remoteAddress(socket)]];
    this.#handshakes.add(socket);
    // Until the layers stand, nobody else listens for it.
    socket.on('error', () => undefined);
    try {
      if (filter && !(await filter.allows(socket.remoteAddress ?? ''))) {
        this.#context.count('ConnectionDeniedCount', 1);
        this.#context.log.warn('connection denied by ipFilterRules', { peer });
        socket.destroy();
        return;
      }
      const stream = await acceptLayers(socket, {
        tls: this.#tls,
        clientCertificate: clients !== undefined,
        ...(compressed && { deflateLevel: DEFLATE_LEVEL }),
        deadlineMs: HANDSHAKE_MS,
        ...(clientCertificateHeader !== undefined && { identified: (subject: string) => headers.push([clientCertificateHeader, subject]) }),
      });
      const shared = { known: this.#known, window: this.#window, budget: this.#budget, turn: this.#turn };
      this.#follow(new AvroConnection(stream, this.#context, { peer, headers, messageBytes, stallMs: STALL_MS, ...shared }));
    } catch (error) {
      this.#context.count('TlsHandshakeFailedCount', 1);
      this.#context.log.warn('connection refused: no TLS', { peer, reason: describeError(error) });
    } finally {
      this.#handshakes.delete(socket);
    }
  }

  #follow(connection: AvroConnection): void {
    this.#connections.add(connection);
    this.#context.count('OpenConnectionCount', 1);
    connection.closed
      .catch((error: unknown) => this.#context.fail(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#connections.delete(connection);
        this.#context.count('OpenConnectionCount', -1);
      });
  }
}
