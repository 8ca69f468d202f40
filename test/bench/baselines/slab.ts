/** The "slab" baseline: plain Node, chunks with the offsets of their lines, no object per line. Prints its port, then its count for each line on standard input. */
import { createServer } from 'node:net';

const bounds = new Uint32Array(1 << 20);
let lines = 0;

function scan(chunk: Buffer): number {
  let found = 0;
  for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, end + 1)) bounds[found++] = end;
  return found;
}

const server = createServer((socket) => {
  socket.on('data', (chunk) => (lines += scan(chunk)));
  socket.on('end', () => socket.end());
});

process.stdin.on('data', () => console.log(JSON.stringify({ lines })));
process.stdin.on('end', () => process.exit(0));
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as { port: number }).port })));
