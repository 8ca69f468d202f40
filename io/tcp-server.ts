import { createServer, type Server, type Socket } from 'node:net';
import type { Context } from '../core/component.ts';
import { shareConnections } from './descriptors.ts';

/**
 * Bytes that a socket whose owner has paused it goes on reading; one read, of up to 64 KB, comes on top. A connection that flows is not
 * slowed by it.
 */
const PAUSED_BYTES = 16 * 1024;

export interface TcpServerOptions {
  /** Absent: every address of the machine, IPv6 too where there is any. */
  readonly host: string | undefined;
  /** 0 picks a free port. */
  readonly port: number;
  /** Connections above this are closed as soon as they are accepted. Whatever it says, the descriptor limit sets a limit of its own. */
  readonly maxConnections: number;
  /** The socket stays half open until its owner ends it. Errors and closing of the socket are the owner's to watch. */
  connected(socket: Socket): void;
  /** A connection above the limit was closed. */
  refused(limit: number): void;
  /** The listener failed after it had started. */
  failed(error: Error): void;
}

/** What a source's listener tells: connections above the limit are counted and said, and a listener that fails fails its source. */
export function toldTo(context: Pick<Context, 'count' | 'log' | 'fail'>): Pick<TcpServerOptions, 'refused' | 'failed'> {
  return {
    refused(limit) {
      context.count('ConnectionRefusedCount', 1);
      context.log.warn('connection refused: too many are open', { limit });
    },
    failed: (error) => context.fail(error),
  };
}

/** A listening TCP socket and its connections. */
export interface TcpServer {
  /** `127.0.0.1:44444` or `[::1]:44444`, as bound. */
  readonly address: string;
  readonly connections: number;
  /** Stops listening; the connections stay open until their owners close them. */
  close(): Promise<void>;
}

/** Resolves once the address is bound; throws the system's error (`EADDRINUSE` …) with the address in its message. */
export async function listenTcp(options: TcpServerOptions): Promise<TcpServer> {
  let connections = 0;
  const share = shareConnections();
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: PAUSED_BYTES }, (socket) => {
    const limit = Math.min(options.maxConnections, share.limit);
    if (connections >= limit) {
      socket.destroy();
      return options.refused(limit);
    }
    connections++;
    socket.once('close', () => connections--);
    options.connected(socket);
  });
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => {
      share.leave();
      reject(error);
    };
    server.once('error', failed);
    server.listen({ host: options.host, port: options.port, backlog: 511 }, () => {
      server.off('error', failed);
      resolve();
    });
  });
  server.on('error', (error) => options.failed(error));
  return {
    address: addressOf(server),
    get connections() {
      return connections;
    },
    close() {
      share.leave();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Of the other end, without the prefix of an IPv4 address at an IPv6 socket; empty once it is gone. */
export function remoteAddress(socket: Socket): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=[0-9.]+$)/, '');
}

function addressOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return String(address);
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}

interface ReadHandle {
  reading: boolean;
  readStart?(): number;
  readStop?(): number;
}

/**
 * Pauses a socket so that it does not read even what has arrived: a paused socket of Node reads one more chunk (64 kB) into its own buffer,
 * which is much memory where thousands are paused. Only `readAgain` makes it read again. Both do what Node does for sockets that
 * have a buffer of their own.
 */
export function stopReading(socket: Socket): void {
  socket.pause();
  const handle = handleOf(socket);
  if (!handle?.reading || !handle.readStop) return;
  handle.reading = false;
  handle.readStop();
}

/** Lets a socket flow again, stopped or paused. */
export function readAgain(socket: Socket): void {
  socket.resume();
  const handle = handleOf(socket);
  if (!handle || handle.reading || !handle.readStart) return;
  handle.reading = true;
  handle.readStart();
}

function handleOf(socket: Socket): ReadHandle | null | undefined {
  return (socket as unknown as { readonly _handle?: ReadHandle | null })._handle;
}
