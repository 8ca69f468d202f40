import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { CLEAN, harmOf } from '../faults/referee/referee.ts';
import { Authority, certificatesAvailable, STORE_PASSWORD } from '../harness/certificates.ts';
import { freePort } from '../harness/agent.ts';
import { avroSink, avroSource, Chain, netcatSource, rollSink, type Settings } from './chain.ts';

const skip = process.env['MILLRACE_CHAINS'] === '1' ? certificatesAvailable() : 'run them by npm run test:chains';

describe('A10 wrong certificates between two agents', { skip, timeout: 240_000, concurrency: 3 }, () => {
  const authorities = skip === false ? [new Authority('Right'), new Authority('Wrong')] as const : undefined;
  after(() => authorities?.forEach((authority) => authority.remove()));
  if (!authorities) return;
  const [right, wrong] = authorities;
  const good = right.sign('good').pem;
  const cases: Record<string, { server?: string; trust?: string; client?: string | undefined; says: RegExp }> = {
    'an authority that the sink does not trust': { server: wrong.sign('foreign').pem, says: /self.signed|unable to/i },
    'another host name': { server: right.sign('elsewhere', { hosts: ['elsewhere.example'] }).pem, says: /altnames|host/i },
    'a receiver whose certificate has expired': { server: right.sign('old', { expired: true }).pem, says: /expired/i },
    'no client certificate': { client: undefined, says: /certificate/i },
    'a client certificate of another authority': { client: wrong.sign('stranger').pem, says: /certificate/i },
    'a client certificate that has expired': { client: right.sign('oldClient', { expired: true }).pem, says: /certificate/i },
  };
  for (const [name, { says, ...given }] of Object.entries(cases)) {
    test(`${name}: nothing passes, the reason is told, and with the right one everything does`, async (t) => {
      const { server, client } = { server: good, client: good, ...given };
      const port = await freePort();
      const source = (keystore: string): string => avroSource(port, { ssl: true, keystore, 'keystore-password': STORE_PASSWORD, 'client-auth': 'required', truststore: right.trustPem });
      const sink = (keystore: string | undefined): string => {
        const more: Settings = { ssl: true, truststore: right.trustPem, ...(keystore !== undefined && { keystore }) };
        return avroSink(`localhost:${port}`, more);
      };
      const chain = new Chain(t, { lengths: 'numbered-short' });
      const second = chain.add('second', { source: source(server), sink: rollSink() });
      const first = chain.add('first', { source: netcatSource(), sink: sink(client) });
      chain.collect(second);
      await chain.start();
      chain.send(first, 1, 200);
      await chain.acknowledges(100);
      await chain.until(`a reason like ${says}`, () => [...first.lines, ...second.lines].some((line) => /WARN|ERROR/.test(line) && says.test(line)));
      assert.equal((await chain.referee.look()).delivered, 0);
      second.parts = { ...second.parts, source: source(good) };
      first.parts = { ...first.parts, sink: sink(good) };
      await Promise.all([first.restart(), second.restart()]);
      const conclusion = await chain.referee.conclude();
      assert.deepEqual({ ...harmOf(conclusion), duplicates: conclusion.duplicates }, { ...CLEAN, duplicates: 0 });
    });
  }
});
