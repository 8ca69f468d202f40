import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { dropsInTable, listenUdp } from '../../../io/udp-socket.ts';

const TABLE = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 1139: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 26000 2 0000000000000000 17
 1140: 00000000:1F91 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 26001 2 0000000000000000 5
`;

void test('N17 the drops of a port are the last column of its row', () => {
  assert.equal(dropsInTable(TABLE, 0x1f90), 17);
  assert.equal(dropsInTable(TABLE, 0x1f91), 5);
  assert.equal(dropsInTable(TABLE, 0x1f92), 0);
});

void test('N17 what the kernel dropped is reported', async (context) => {
  let kernelDropped = 0;
  const listener = await listenUdp({
    host: '127.0.0.1',
    port: 0,
    windowBytes: 1024 * 1024,
    received: () => Promise.resolve(),
    dropped: () => undefined,
    kernelDropped: (datagrams) => (kernelDropped += datagrams),
    failed: (error) => assert.fail(error),
  });
  const sender = createSocket('udp4');
  const port = Number(listener.address.split(':').at(-1));
  await new Promise<void>((resolve) => sender.bind(0, '127.0.0.1', resolve));
  const datagram = Buffer.alloc(60_000);
  // All at once, so that the receiving side of this process has no turn in between.
  const sent: Promise<void>[] = [];
  for (let index = 0; index < 400; index++) sent.push(new Promise((resolve) => sender.send(datagram, port, '127.0.0.1', () => resolve())));
  await Promise.all(sent);
  await listener.close();
  sender.close();
  if (kernelDropped === 0) context.skip('this kernel has room for 24 MB of datagrams, or does not tell');
});
