import { createServer, type Server, type Socket } from 'node:net';

export interface TcpServerOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Connections above this are closed as soon as they are accepted. */
  readonly maxConnections: number;
  /** The socket stays half open until its owner ends it. Errors and closing of the socket are the owner's to watch. */
  connected(socket: Socket): void;
  /** A connection above the limit was closed. */
  refused(): void;
  /** The listener failed after it had started. */
  failed(error: Error): void;
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
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => options.connected(socket));
  server.maxConnections = options.maxConnections;
  server.on('drop', () => options.refused());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port, backlog: 511 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', (error) => options.failed(error));
  let connections = 0;
  server.on('connection', (socket) => {
    connections++;
    socket.once('close', () => connections--);
  });
  return {
    address: addressOf(server),
    get connections() {
      return connections;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function addressOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return String(address);
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}
