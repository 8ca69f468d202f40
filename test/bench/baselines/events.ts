/**
 * The "events" baseline: plain Node, one object per line, handed on in arrays; forgotten, or with a file name written to that file.
 * Prints its port, then its count for each line on standard input. `node events.ts [FILE]`
 */
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';

interface PlainEvent {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const [path] = process.argv.slice(2);
const file = path === undefined ? undefined : createWriteStream(path);
const newline = Buffer.from('\n');
let lines = 0;

const server = createServer((socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    const all = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const events: PlainEvent[] = [];
    let begin = 0;
    for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, begin)) {
      events.push({ headers: {}, body: all.subarray(begin, end) });
      begin = end + 1;
    }
    rest = all.subarray(begin);
    if (!drain(events)) {
      socket.pause();
      file?.once('drain', () => socket.resume());
    }
  });
  socket.on('end', () => socket.end());
});

/** False: the file takes no more for now. */
function drain(events: readonly PlainEvent[]): boolean {
  lines += events.length;
  return !file || file.write(Buffer.concat(events.flatMap(({ body }) => [body, newline])));
}

process.stdin.on('data', () => console.log(JSON.stringify({ lines })));
process.stdin.on('end', () => process.exit(0));
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as { port: number }).port })));
