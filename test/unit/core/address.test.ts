import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reachableAt } from '../../../core/address.ts';

test('where a listener is reached on this machine', () => {
  for (const [address, host] of [['127.0.0.1:80', '127.0.0.1'], ['0.0.0.0:80', '127.0.0.1'], ['[::]:80', '127.0.0.1'], ['[::1]:80', '::1'], ['10.0.0.7:80', '10.0.0.7']] as const) {
    assert.deepEqual(reachableAt(address), { host, port: '80' });
  }
});
