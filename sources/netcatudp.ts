import { reachableAt } from '../core/address.ts';
import { Batch, type HeaderRows } from '../core/batch.ts';
import type { Description, Source, SourceContext } from '../core/component.ts';
import { define } from '../core/define.ts';
import { describeError, isAbort } from '../core/errors.ts';
import { ignored, integer, optional, string } from '../core/options.ts';
import { datagramsTold, listenUdp, type Datagram, type UdpListener } from '../io/udp-socket.ts';

/** Bytes of datagrams that wait to be stored before further ones are dropped. */
const WINDOW_BYTES = 8 * 1024 * 1024;
const LINE_FEED = 10;

export const netcatUdpSource = define('source', {
  types: ['netcatudp', 'org.apache.flume.source.NetcatUdpSource'],
  summary: 'Listens on a UDP port and makes an event of the first line of each datagram.',
  options: {
    bind: optional(string({ doc: 'Host name or address to listen on; every address where it is absent.' })),
    port: integer({ min: 0, max: 65535, outside: 'refuse', doc: 'UDP port to listen on; 0 picks a free one.' }),
    remoteAddress: optional(string({ doc: 'Header that receives the sender as `/address:port`; no header where it is absent.' })),
    remoteAddressHeader: ignored({ doc: 'has no effect, although the user guide of Flume names it: the option is remoteAddress' }),
  },
  create: (context, values) => new NetcatUdpSource(context, values),
});

interface NetcatUdpSettings {
  readonly bind: string | undefined;
  readonly port: number;
  readonly remoteAddress: string | undefined;
}

/**
 * Nobody can be told that an event was not stored, so deliveries wait for room in the channel, within a bounded window; beyond it
 * datagrams are dropped and counted, here (`DatagramDroppedCount`) or by the kernel (`DatagramKernelDroppedCount`).
 */
class NetcatUdpSource implements Source {
  readonly #context: SourceContext;
  readonly #settings: NetcatUdpSettings;
  #listener: UdpListener | undefined;

  constructor(context: SourceContext, settings: NetcatUdpSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  async start(): Promise<void> {
    this.#listener = await listenUdp({
      host: this.#settings.bind,
      port: this.#settings.port,
      received: (datagrams) => this.#received(datagrams),
      ...datagramsTold(this.#context, WINDOW_BYTES),
    });
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
    this.#listener = undefined;
  }

  describe(): Description {
    const address = this.#listener?.address;
    if (address === undefined) return {};
    const { host, port } = reachableAt(address);
    return {
      summary: 'one event per datagram, not answered',
      endpoints: [{ protocol: 'udp', address, tls: false, authentication: false }],
      tryIt: `printf hello | nc -u -w 1 ${host} ${port}`,
    };
  }

  async #received(datagrams: readonly Datagram[]): Promise<void> {
    const context = this.#context;
    context.count('EventReceivedCount', datagrams.length);
    const { batch, cut } = firstLines(datagrams, this.#settings.remoteAddress);
    if (cut > 0) {
      context.count('DatagramRestDroppedCount', cut);
      context.log.warn('only the first line of a datagram becomes an event; further lines were dropped', { datagrams: cut });
    }
    try {
      await context.deliver(batch, { wait: true });
      context.count('EventAcceptedCount', batch.size);
    } catch (error) {
      context.count('ChannelWriteFail', 1);
      context.count('DatagramDroppedCount', batch.size);
      if (isAbort(error)) context.log.warn('datagrams dropped: the source stopped before a channel took them', { datagrams: batch.size });
      else context.log.error('datagrams dropped: they could not be stored', { datagrams: batch.size, reason: describeError(error) });
    }
  }
}

/** Up to the first line feed of each datagram; `cut` counts those that held more than that. */
function firstLines(datagrams: readonly Datagram[], header: string | undefined): { batch: Batch; cut: number } {
  const [only] = datagrams;
  const bytes = only && datagrams.length === 1 ? only.bytes : Buffer.concat(datagrams.map((datagram) => datagram.bytes));
  const bounds = new Uint32Array(2 * datagrams.length);
  let at = 0;
  let cut = 0;
  for (const [index, datagram] of datagrams.entries()) {
    const { length } = datagram.bytes;
    const end = datagram.bytes.indexOf(LINE_FEED);
    if (end >= 0 && end < length - 1) cut++;
    bounds[2 * index] = at;
    bounds[2 * index + 1] = at + (end < 0 ? length : end);
    at += length;
  }
  const own = header === undefined ? undefined : new SenderRows(header, datagrams);
  return { batch: Batch.over(bytes, bounds, datagrams.length, own), cut };
}

/** One header per event, made when somebody asks. Keeps the addresses, not the datagrams. */
class SenderRows implements HeaderRows {
  readonly #name: string;
  readonly #senders: readonly string[];

  constructor(name: string, datagrams: readonly Datagram[]) {
    this.#name = name;
    this.#senders = datagrams.map(({ address, port }) => `/${address}:${port}`);
  }

  at(row: number): ReadonlyMap<string, string> {
    return new Map([[this.#name, this.#senders[row] as string]]);
  }

  get(row: number, name: string): string | undefined {
    return name === this.#name ? this.#senders[row] : undefined;
  }
}
