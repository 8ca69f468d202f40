/**
 * W7 over TLS: what encryption costs two agents of ours, beside `openssl s_client` and `s_server` that send the same number of bytes. The
 * stores are made for each start and go with it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { Authority } from '../harness/certificates.ts';
import { freePort, until } from '../servers/daemon.ts';
import { startChain, startMillrace, type Counter, type Subject } from './subjects.ts';

/** A line of 100 bytes on the wire between two agents, its length included. */
const WIRE_BYTES = 104;
const BLOCK = Buffer.alloc(WIRE_BYTES * 10_000, 'x');

/** The two commands, and the bytes of so many lines through them. */
export async function startOpenssl(): Promise<Subject> {
  const authority = new Authority();
  const { pem } = authority.sign('localhost');
  const port = await freePort();
  const began = performance.now();
  const server = spawn('openssl', ['s_server', '-quiet', '-accept', String(port), '-cert', pem, '-key', pem], { stdio: ['pipe', 'pipe', 'ignore'] });
  const closed = once(server, 'close');
  // Its own standard input has to stay open.
  let received = 0;
  server.stdout.on('data', (chunk: Buffer) => (received += chunk.length));
  await until(`port ${port} to answer`, () => isListening(port));
  const client = spawn('openssl', ['s_client', '-quiet', '-connect', `127.0.0.1:${port}`, '-CAfile', authority.trustPem], { stdio: ['pipe', 'ignore', 'ignore'] });
  return {
    name: '"openssl"',
    pids: [client.pid ?? 0, server.pid ?? 0],
    port,
    startMs: performance.now() - began,
    count: () => Promise.resolve(Math.floor(received / WIRE_BYTES)),
    async send({ lines }) {
      for (let left = lines * WIRE_BYTES; left > 0; left -= BLOCK.length) {
        if (!client.stdin.write(BLOCK.subarray(0, left))) await once(client.stdin, 'drain');
      }
    },
    async stop() {
      client.kill();
      server.kill();
      await closed;
      authority.remove();
    },
  };
}

/** Two agents of ours, `edge` before `collector`, with TLS between their Avro sink and source. */
export async function startSecured(edge: (to: number | undefined) => string, collector: string, counter: Counter): Promise<Subject> {
  const authority = new Authority();
  const { pem } = authority.sign('localhost');
  const chain = await startChain(
    (to) => startMillrace(`${edge(to)}a1.sinks.k1.ssl = true\na1.sinks.k1.truststore = ${authority.trustPem}\n`, counter),
    () => startMillrace(`${collector}a1.sources.r1.ssl = true\na1.sources.r1.keystore = ${pem}\na1.sources.r1.keystore-password = unused\n`, counter),
  );
  return {
    ...chain,
    async stop() {
      await chain.stop();
      authority.remove();
    },
  };
}

function isListening(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(undefined));
    socket.once('connect', () => socket.destroy());
  });
}
