import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import { localHost, type HostResolver } from '../../../core/local-host.ts';
import { hostInterceptor } from '../../../interceptors/host.ts';
import { headersOf, make, recordingContext } from '../recording-context.ts';

const resolvable = await lookup(hostname()).then(
  () => true,
  () => false,
);
const skip = resolvable ? false : 'the name of this host does not resolve here';

async function intercepted(properties: Record<string, string>): Promise<Record<string, string>[]> {
  const batch = Batch.of([{ body: Buffer.from('a'), headers: new Map([['host', 'originalhost']]) }]);
  return headersOf((await make(hostInterceptor, properties, recordingContext())).intercept(batch));
}

test('C7.2 the address of the host, in the header that is wanted', { skip }, async () => {
  const address = await localHost(true);
  assert.deepEqual(await intercepted({}), [{ host: address }]);
  assert.deepEqual(await intercepted({ hostHeader: 'hostname' }), [{ host: 'originalhost', hostname: address }]);
  assert.deepEqual(await intercepted({ preserveExisting: 'true' }), [{ host: 'originalhost' }]);
});

test('C7.2 the name of the host', { skip }, async () => {
  assert.deepEqual(await intercepted({ useIP: 'false' }), [{ host: await localHost(false) }]);
});

test('C7.2 a name counts only if it leads back to the address', async () => {
  const resolver = (names: Record<string, string>): HostResolver => ({
    addressesOf: async (name) => (name === hostname() || name === 'h.example' ? ['192.0.2.1', '2001:db8::1'] : ['192.0.2.9']),
    nameOf: async (address) => names[address] ?? Promise.reject(new Error('ENOTFOUND')),
  });
  assert.equal(await localHost(true, resolver({})), '192.0.2.1');
  assert.equal(await localHost(false, resolver({ '192.0.2.1': 'h.example' })), 'h.example');
  assert.equal(await localHost(false, resolver({ '192.0.2.1': 'liar.example' })), '192.0.2.1');
  assert.equal(await localHost(false, resolver({})), '192.0.2.1');
});

test('a host without an address is an error that names it', async () => {
  const nowhere: HostResolver = { addressesOf: async () => [], nameOf: async () => '' };
  await assert.rejects(localHost(true, nowhere), new RegExp(hostname()));
});
