import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { Authority, certificatesAvailable, STORE_PASSWORD } from '../harness/certificates.ts';
import { startAgent, until, type RunningAgent } from '../harness/agent.ts';

const skip = certificatesAvailable();
const SYSLOG = '<13>Nov 21 10:00:00 host app: one line\n';
const POST = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 16\r\n\r\n[{"body":"one"}]';

/** What the source is called, its settings, and one event as its clients send it. */
const SOURCES = [
  ['http', 'port = 0', POST],
  ['syslogtcp', 'port = 0', SYSLOG],
  ['multiport_syslogtcp', 'ports = 0', SYSLOG],
] as const;

describe('A10 certificates of sources that are exchanged while the agent runs', { skip, concurrency: SOURCES.length }, () => {
  for (const [type, port, event] of SOURCES) {
    test(`${type}: open connections go on, new ones get the new one, one that cannot be used is told and changes nothing; every event arrives`, async (t) => {
      const authority = new Authority();
      const folder = mkdtempSync(join(tmpdir(), 'millrace-exchange-'));
      t.after(() => {
        authority.remove();
        rmSync(folder, { recursive: true });
      });
      const served = join(folder, 'served.pem');
      const put = (bytes: Buffer | string): void => {
        writeFileSync(`${served}.new`, bytes);
        renameSync(`${served}.new`, served);
      };
      put(readFileSync(authority.sign('first').pem));
      const agent = await startAgent({ conf: conf(type, port, served) });
      t.after(() => agent.stop());
      const open = await client(await agent.port('r1'), authority);
      assert.equal(open.getPeerCertificate().subject.CN, 'first');
      let sent = 0;
      const send = async (socket: TLSSocket): Promise<void> => {
        socket.write(event);
        await agent.counter('CHANNEL.c1', 'EventPutSuccessCount', (count) => count === sent + 1);
        sent++;
      };
      await send(open);

      put(readFileSync(authority.sign('second').pem));
      const renewed = await clientShown(agent, authority, 'second');
      await send(renewed);
      await send(open);

      put('no certificate');
      await until('the file is told', async () => {
        (await client(await agent.port('r1'), authority)).destroy();
        return agent.lines.find((line) => /ERROR.*certificates were exchanged for what cannot be used/.test(line) && line.includes(served));
      });
      const kept = await client(await agent.port('r1'), authority);
      assert.equal(kept.getPeerCertificate().subject.CN, 'second');
      for (const socket of [kept, renewed, open]) await send(socket);

      put(readFileSync(authority.sign('third').pem));
      await send(await clientShown(agent, authority, 'third'));
      await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === sent);
    });
  }
});

function conf(type: string, port: string, keystore: string): string {
  return `a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = ${type}
a1.sources.r1.${type === 'http' ? 'bind' : 'host'} = 127.0.0.1
a1.sources.r1.${port}
a1.sources.r1.ssl = true
a1.sources.r1.keystore = ${keystore}
a1.sources.r1.keystore-password = ${STORE_PASSWORD}
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
a1.sinks.k1.type = null
a1.sinks.k1.channel = c1
`;
}

async function client(port: number, authority: Authority): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: readFileSync(authority.trustPem) });
  socket.on('error', () => undefined).resume();
  await once(socket, 'secureConnect');
  return socket;
}

/** A connection to which this certificate was shown; those before it are closed. */
function clientShown(agent: RunningAgent, authority: Authority, name: string): Promise<TLSSocket> {
  return until(`${name} is shown`, async () => {
    const socket = await client(await agent.port('r1'), authority);
    if (socket.getPeerCertificate().subject.CN === name) return socket;
    socket.destroy();
    return undefined;
  });
}
