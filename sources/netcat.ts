import type { Socket } from 'node:net';
import { reachableAt } from '../core/address.ts';
import { ByteWindow } from '../core/byte-window.ts';
import type { Description, Source, SourceContext } from '../core/component.ts';
import { define } from '../core/define.ts';
import { boolean, integer, string } from '../core/options.ts';
import { TurnBudget } from '../core/turn-budget.ts';
import { isKnownCharset } from '../core/charset.ts';
import { listenTcp, toldTo, type TcpServer } from '../io/tcp-server.ts';
import { NetcatConnection } from './netcat-connection.ts';

/** Bytes of lines of all connections that wait to be stored before no more are read. */
const WINDOW_BYTES = 8 * 1024 * 1024;

/** Time that the connections may take together before everything else gets a turn. */
const TURN_MS = 20;

export const netcatSource = define('source', {
  types: ['netcat', 'org.apache.flume.source.NetcatSource'],
  summary: 'Listens on a TCP port and makes an event of each line.',
  options: {
    bind: string({ doc: 'Host name or address to listen on.' }),
    port: integer({ min: 0, max: 65535, outside: 'refuse', doc: 'TCP port to listen on; 0 picks a free one.' }),
    'max-line-length': integer({
      default: 512,
      min: 1,
      outside: 'refuse',
      doc: 'Longest line in UTF-16 units, its line feed included; a longer one is answered with FAILED and skipped.',
    }),
    'ack-every-event': boolean({ default: true, doc: 'Answer OK to each line once it is stored.' }),
    encoding: string({
      default: 'utf-8',
      bad: 'refuse',
      check: (name) => (isKnownCharset(name) ? undefined : 'is not the name of a character set'),
      doc: 'Character set of lines and answers; bodies are UTF-8 whatever it is.',
    }),
    maxConnections: integer({
      default: 0,
      min: 0,
      unreadable: 'refuse',
      outside: 'refuse',
      doc: 'Most connections at a time; 0: as many as the descriptor limit leaves room for.',
    }),
  },
  create: (context, values) => new NetcatSource(context, values),
});

interface NetcatSettings {
  readonly bind: string;
  readonly port: number;
  readonly 'max-line-length': number;
  readonly 'ack-every-event': boolean;
  readonly encoding: string;
  readonly maxConnections: number;
}

class NetcatSource implements Source {
  readonly #context: SourceContext;
  readonly #settings: NetcatSettings;
  readonly #connections = new Set<NetcatConnection>();
  readonly #window = new ByteWindow(WINDOW_BYTES);
  readonly #turn = new TurnBudget(TURN_MS);
  #server: TcpServer | undefined;

  constructor(context: SourceContext, settings: NetcatSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  async start(): Promise<void> {
    const { bind, port, maxConnections } = this.#settings;
    this.#server = await listenTcp({
      host: bind,
      port,
      maxConnections: maxConnections || Infinity,
      connected: (socket) => this.#connected(socket),
      ...toldTo(this.#context),
    });
  }

  async stop(): Promise<void> {
    const closed = this.#server?.close();
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    await closed;
    this.#server = undefined;
  }

  describe(): Description {
    const address = this.#server?.address;
    if (!address) return {};
    const { host, port } = reachableAt(address);
    return {
      summary: this.#settings['ack-every-event'] ? 'each line is answered with OK' : 'lines are not answered',
      endpoints: [{ protocol: 'tcp', address, tls: false, authentication: false }],
      tryIt: `printf 'hello\\nworld\\n' | nc -w 1 ${host} ${port}`,
    };
  }

  #connected(socket: Socket): void {
    const connection = new NetcatConnection(socket, this.#context, {
      maxLineLength: this.#settings['max-line-length'],
      acknowledge: this.#settings['ack-every-event'],
      encoding: this.#settings.encoding,
      window: this.#window,
      turn: this.#turn,
    });
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
