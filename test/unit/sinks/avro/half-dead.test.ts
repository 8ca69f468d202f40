import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { Batch } from '../../../../core/batch.ts';
import { AvroSink, type AvroSinkSettings, type Receiver } from '../../../../sinks/avro/avro-sink.ts';
import { eventually, FakeContext, never } from '../../../conformance/fakes.ts';
import { certificatesAvailable } from '../../../harness/certificates.ts';

const ROUNDS = process.env['MILLRACE_LONG'] === '1' ? 1000 : 25;
const LISTS = { 'include-protocols': [], 'exclude-protocols': [], 'include-cipher-suites': [], 'exclude-cipher-suites': [] };
const LARGE = Batch.of([{ headers: new Map(), body: Buffer.alloc(8 * 1024 * 1024) }]);
const SMALL = Batch.of([{ headers: new Map(), body: Buffer.from('x') }]);

describe('receivers that are half dead', () => {
  const cases: readonly { name: string; batch: Batch; settings?: Partial<AvroSinkSettings>; end?: true; skip?: string | false }[] = [
    { name: 'takes connections and reads nothing', batch: LARGE },
    { name: 'reads and answers nothing', batch: SMALL },
    { name: 'never answers the TLS handshake', batch: SMALL, settings: { verify: 'all' }, skip: certificatesAvailable() },
    { name: 'never answers inside of the compressed stream', batch: SMALL, settings: { deflateLevel: 6 } },
    { name: 'closes its side at once and keeps the other', batch: SMALL, end: true },
  ];
  for (const { name, batch, settings, end = false, skip = false } of cases) {
    test(`A3 one that ${name}, ${ROUNDS} rounds: each ends in time, and leaves no socket and no timer`, { skip }, async (t) => {
      const dead = await halfDead(t, end);
      const before = resources();
      for (let round = 0; round < ROUNDS; round++) {
        const sink = sinkTo(dead.port, settings);
        await sink.start();
        await assert.rejects(sink.write(batch, never), /no answer within|no connection within|hung up|closed|EPIPE|ECONNRESET/);
        await sink.stop();
      }
      dead.hangUp();
      await eventually(() => resources() <= before, 'only what was there before');
    });
  }
});

function sinkTo(port: number, settings: Partial<AvroSinkSettings> = {}): AvroSink {
  return new AvroSink(new FakeContext(), {
    ...LISTS,
    batchSize: 100,
    connectMs: 20,
    requestMs: 20,
    resetMs: 0,
    deflateLevel: undefined,
    verify: undefined,
    truststore: undefined,
    keystore: undefined,
    addresses: [{ host: '127.0.0.1', port }],
    arrange: ([only]) => ({ send: (attempt) => attempt(only as Receiver) }),
    ...settings,
  });
}

function resources(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCPSocketWrap|TLSWrap|Timeout/.test(name)).length;
}

async function halfDead(t: TestContext, end: boolean): Promise<{ port: number; hangUp(): void }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    if (end) socket.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hangUp = (): void => sockets.splice(0).forEach((socket) => socket.destroy());
  t.after(() => {
    hangUp();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, hangUp };
}
