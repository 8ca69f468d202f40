import { reachableAt } from '../../core/address.ts';
import type { Description, Source, SourceContext } from '../../core/component.ts';
import { describeError, isAbort } from '../../core/errors.ts';
import { datagramsTold, listenUdp, type Datagram, type UdpListener } from '../../io/udp-socket.ts';
import { RecordScanner, type SyslogRecord } from '../../protocols/syslog-records.ts';
import { keptFields, syslogEvents, type KeptFields, type SenderHeaders } from './events.ts';
import { Senders, type SenderSettings } from './senders.ts';

/** Bytes of datagrams that wait to be stored before further ones are dropped. */
const WINDOW_BYTES = 8 * 1024 * 1024;
const MOST_BYTES = 65_536;

export interface SyslogUdpSettings extends SenderSettings {
  readonly host: string | undefined;
  readonly port: number;
  readonly keepFields: string;
}

/** The first record of each datagram. What cannot be kept is counted, here (`DatagramDroppedCount`) or by the kernel (`DatagramKernelDroppedCount`). */
export class SyslogUdpSource implements Source {
  readonly #context: SourceContext;
  readonly #settings: SyslogUdpSettings;
  readonly #keep: KeptFields;
  readonly #senders: Senders;
  readonly #scanner = new RecordScanner(MOST_BYTES);
  #listener: UdpListener | undefined;

  constructor(context: SourceContext, settings: SyslogUdpSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#keep = keptFields(settings.keepFields);
    this.#senders = new Senders(settings);
  }

  async start(): Promise<void> {
    this.#listener = await listenUdp({
      host: this.#settings.host,
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
      summary: 'a record per datagram, not answered',
      endpoints: [{ protocol: 'udp', address, tls: false, authentication: false }],
      tryIt: `printf '<13>Oct 11 22:14:15 myhost hello' | nc -u -w 1 ${host} ${port}`,
    };
  }

  /** Never rejects. */
  async #received(datagrams: readonly Datagram[]): Promise<void> {
    const { bytes, records, from, empty, cut } = this.#firstRecords(datagrams);
    if (empty > 0) this.#context.count('EventReadFail', empty);
    if (cut > 0) {
      this.#context.count('DatagramRestDroppedCount', cut);
      this.#context.log.warn('only the first record of a datagram becomes an event; further ones were dropped', { datagrams: cut });
    }
    if (records.length === 0) return;
    const senders = this.#senders.isNeeded ? await Promise.all(from.map((address) => this.#senders.headersOf(address))) : NOBODY;
    const batch = syslogEvents(bytes, records, this.#keep, senders);
    this.#context.count('EventReceivedCount', batch.size);
    try {
      await this.#context.deliver(batch, { wait: true, refused: () => this.#context.count('ChannelWriteFail', 1) });
      this.#context.count('EventAcceptedCount', batch.size);
    } catch (error) {
      this.#context.count(isAbort(error) ? 'ChannelWriteFail' : 'EventReadFail', 1);
      this.#context.count('DatagramDroppedCount', batch.size);
      const reason = isAbort(error) ? 'the source stopped before a channel took them' : describeError(error);
      this.#context.log.error('datagrams dropped', { datagrams: batch.size, reason });
    }
  }

  #firstRecords(datagrams: readonly Datagram[]): { bytes: Buffer; records: SyslogRecord[]; from: string[]; empty: number; cut: number } {
    const [only] = datagrams;
    const bytes = only && datagrams.length === 1 ? only.bytes : Buffer.concat(datagrams.map((datagram) => datagram.bytes));
    const records: SyslogRecord[] = [];
    const from: string[] = [];
    let at = 0;
    let empty = 0;
    let cut = 0;
    for (const datagram of datagrams) {
      const [first, second] = this.#scanner.scan(datagram.bytes, true);
      // Nothing, or a single "<", which Flume fails at.
      if (!first || (first.end - first.begin === 1 && datagram.bytes[first.begin] === 0x3c)) {
        empty++;
      } else {
        if (second) cut++;
        records.push({ ...first, begin: first.begin + at, end: first.end + at });
        from.push(datagram.address);
      }
      at += datagram.bytes.length;
    }
    return { bytes, records, from, empty, cut };
  }
}

const NOBODY: readonly SenderHeaders[] = [[]];
