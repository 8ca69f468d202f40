/** The "events" baseline: plain Node, one object per line, handed on in arrays, counted and forgotten. Prints its port, then its figures. */
import { createServer } from 'node:net';

let lines = 0;
let batches = 0;
const server = createServer((socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    const all = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const events: { headers: Record<string, string>; body: Buffer }[] = [];
    let begin = 0;
    for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, begin)) {
      events.push({ headers: {}, body: all.subarray(begin, end) });
      begin = end + 1;
    }
    rest = all.subarray(begin);
    drain(events);
  });
  socket.on('end', () => socket.end());
});

function drain(events: readonly { body: Buffer }[]): void {
  lines += events.length;
  batches++;
}

process.on('SIGTERM', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  console.log(JSON.stringify({ lines, batches, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMb: maxRSS / 1024 }));
  process.exit(0);
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as { port: number }).port })));
