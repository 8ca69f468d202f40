import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { CLEAN, harmOf, reportOf } from '../faults/referee/referee.ts';
import { Authority, certificatesAvailable, STORE_PASSWORD } from '../harness/certificates.ts';
import { freePort } from '../harness/agent.ts';
import { avroSink, avroSource, Chain, netcatSource, rollSink, type ChainAgent, type Settings } from './chain.ts';

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

  test('certificates are exchanged under load, good, broken and expired ones, and the authority: lost 0, duplicates 0', async (t) => {
    const chain = new Chain(t, { lengths: 'numbered-short' });
    const file = (name: string): string => join(chain.folder, name);
    const put = (name: string, bytes: string | Buffer): void => {
      writeFileSync(file(`${name}.new`), bytes);
      renameSync(file(`${name}.new`), file(name));
    };
    const [served, shown, trust] = ['served.pem', 'shown.pem', 'trust.pem'] as const;
    for (const name of [served, shown]) put(name, readFileSync(good));
    put(trust, readFileSync(right.trustPem));
    const port = await freePort();
    const tls = { ssl: true, truststore: file(trust) };
    const second = chain.add('second', { source: avroSource(port, { ...tls, keystore: file(served), 'keystore-password': STORE_PASSWORD, 'client-auth': 'required' }), sink: rollSink() });
    // Connections as old as a second are closed: there is a new one all the time.
    const first = chain.add('first', { source: netcatSource(), sink: avroSink(`localhost:${port}`, { ...tls, keystore: file(shown), 'reset-connection-interval': 1 }) });
    chain.collect(second);
    await chain.start();
    chain.send(first, 1, 500);
    await chain.delivers(300);
    const told = async (agent: ChainAgent, wanted: RegExp): Promise<void> => {
      const before = agent.lines.length;
      await chain.until(`${wanted} of ${agent.name}`, () => agent.lines.slice(before).some((line) => wanted.test(line)));
    };
    const exchange = async (agent: ChainAgent, name: string, bytes: string | Buffer, says = /certificates were exchanged: new/): Promise<void> => {
      chain.referee.fault(`${name} is exchanged`);
      const said = told(agent, says);
      put(name, bytes);
      await said;
    };
    await exchange(second, served, readFileSync(right.sign('renewed').pem));
    await chain.delivers(300);
    await exchange(second, served, 'no certificate', /cannot be used; new connections use those read before/);
    await chain.delivers(300);
    await exchange(second, served, readFileSync(good));
    await exchange(first, shown, readFileSync(right.sign('expired', { expired: true }).pem), /our certificate has expired/);
    await told(second, /the client's certificate \(CN=expired\) has expired/);
    await exchange(first, shown, readFileSync(right.sign('client2').pem));
    await chain.delivers(300);
    const both = Buffer.concat([readFileSync(right.trustPem), readFileSync(wrong.trustPem)]);
    await Promise.all([told(first, /were exchanged: new/), exchange(second, trust, both)]);
    await exchange(second, served, readFileSync(wrong.sign('next').pem));
    await exchange(first, shown, readFileSync(wrong.sign('nextClient').pem));
    await Promise.all([told(first, /were exchanged: new/), exchange(second, trust, readFileSync(wrong.trustPem))]);
    await chain.delivers(300);
    const conclusion = await chain.referee.conclude();
    t.diagnostic(reportOf(conclusion));
    assert.deepEqual({ ...harmOf(conclusion), duplicates: conclusion.duplicates }, { ...CLEAN, duplicates: 0 });
  });
});
