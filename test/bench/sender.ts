/**
 * Load for TCP listeners: numbered lines of a fixed length, written in blocks as fast as the peer takes them.
 * `node sender.ts PORT LINES [CONNECTIONS] [LINE_BYTES] [--acks] [--wait]`; prints one JSON line when everything was written (and
 * acknowledged). With `--wait` it says that it is ready and begins when it reads something.
 */
import { once } from 'node:events';
import { connect } from 'node:net';

/** Bytes written at a time. */
const BLOCK_BYTES = 1_000_000;
const [port = '0', total = '0', connections = '1', lineBytes = '100'] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const acks = process.argv.includes('--acks');
const blockLines = Math.max(1, Math.floor(BLOCK_BYTES / Number(lineBytes)));
const block = makeBlock(blockLines, Number(lineBytes));
if (process.argv.includes('--wait')) {
  console.log('ready');
  await once(process.stdin, 'data');
  process.stdin.destroy();
}
const started = performance.now();
const each = Math.ceil(Number(total) / Number(connections));
const sent = await Promise.all(
  Array.from({ length: Number(connections) }, (_, index) => send(Math.min(each, Math.max(0, Number(total) - index * each)))),
);
const seconds = (performance.now() - started) / 1000;
console.log(JSON.stringify({ lines: sent.reduce((sum, lines) => sum + lines, 0), seconds }));

function makeBlock(lines: number, bytes: number): Buffer {
  const text = Array.from({ length: lines }, (_, index) => `${String(index).padStart(9, '0')} `.padEnd(bytes - 1, 'abcdefghij') + '\n');
  return Buffer.from(text.join(''));
}

/** Resolves when the peer has closed its side, or answered every line. */
function send(lines: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(port), host: '127.0.0.1' });
    let left = lines;
    let answers = 0;
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) answers++;
      if (acks && answers >= lines) socket.end();
    });
    socket.on('end', () => resolve(lines));
    const pump = (): void => {
      while (left > 0) {
        const now = Math.min(left, blockLines);
        left -= now;
        if (!socket.write(now === blockLines ? block : block.subarray(0, now * Number(lineBytes)))) {
          socket.once('drain', pump);
          return;
        }
      }
      if (!acks) socket.end();
    };
    socket.on('connect', pump);
  });
}
