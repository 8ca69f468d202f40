/**
 * The "events" baseline over a file: plain Node, one object per line, handed on in arrays; forgotten, or written to a file. Prints the lines
 * it has read when it is at the end. `node file-events.ts FILE [OUTPUT]`
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';

interface PlainEvent {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const [input = '', output] = process.argv.slice(2);
const file = output === undefined ? undefined : createWriteStream(output);
const newline = Buffer.from('\n');
let lines = 0;
let rest: Buffer = Buffer.alloc(0);

for await (const chunk of createReadStream(input, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
  const all = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
  const events: PlainEvent[] = [];
  let begin = 0;
  for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, begin)) {
    events.push({ headers: {}, body: all.subarray(begin, end) });
    begin = end + 1;
  }
  rest = all.subarray(begin);
  lines += events.length;
  if (file && !file.write(Buffer.concat(events.flatMap(({ body }) => [body, newline])))) await once(file, 'drain');
}
if (file) {
  file.end();
  await once(file, 'finish');
}
console.log(JSON.stringify({ lines }));
setInterval(() => undefined, 1000);
