/**
 * The least that an Avro hop costs in plain Node: frames of 1,000 events are sent one at a time, the receiver puts each together, walks over its
 * events without making an object of any, counts them and answers. `hop.ts` prints its port, and its count for every line on its standard input;
 * `hop.ts send PORT BATCH` sends as many events as it reads from its standard input, BATCH in each frame.
 */
import { connect, createServer, type AddressInfo } from 'node:net';

const HEAD_BYTES = 12;
const BODY = Buffer.alloc(100, 'x');

if (process.argv[2] === 'send') {
  console.log('ready');
  process.stdin.once('data', (text) => void send(Number(process.argv[3]), Number(text), Number(process.argv[4])).then(() => console.log('sent')));
} else receive();

function receive(): void {
  let events = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    let pieces: Buffer[] = [];
    let held = 0;
    socket.on('data', (chunk) => {
      pieces.push(chunk);
      held += chunk.length;
      if (held < HEAD_BYTES) return;
      let bytes = pieces.length === 1 ? chunk : undefined;
      const length = (pieces[0] as Buffer).length >= HEAD_BYTES ? (pieces[0] as Buffer).readInt32BE(8) : (bytes ??= Buffer.concat(pieces)).readInt32BE(8);
      if (held < HEAD_BYTES + length) return;
      bytes ??= Buffer.concat(pieces);
      pieces = [];
      held = 0;
      events += walk(bytes);
      const answer = Buffer.alloc(HEAD_BYTES + 3);
      answer.writeInt32BE(bytes.readInt32BE(0), 0);
      answer.writeInt32BE(1, 4);
      answer.writeInt32BE(3, 8);
      socket.write(answer);
    });
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })));
  process.stdin.on('data', () => console.log(JSON.stringify({ lines: events })));
}

let next = 0;

function varint(bytes: Buffer, at: number): number {
  let byte = bytes[at++] as number;
  let value = byte & 0x7f;
  for (let shift = 7; byte >= 0x80; shift += 7) {
    byte = bytes[at++] as number;
    value |= (byte & 0x7f) << shift;
  }
  next = at;
  return value >>> 1;
}

function walk(bytes: Buffer): number {
  const bounds = new Uint32Array(2 * 1024);
  let found = 0;
  next = HEAD_BYTES;
  for (let count = varint(bytes, next); count > 0; count = varint(bytes, next)) {
    for (let left = count; left > 0; left--) {
      for (let headers = varint(bytes, next); headers > 0; headers = varint(bytes, next)) {
        for (let texts = 2 * headers; texts > 0; texts--) {
          const length = varint(bytes, next);
          next += length;
        }
      }
      const length = varint(bytes, next);
      bounds[(2 * found) % bounds.length] = next;
      next += length;
      bounds[(2 * found + 1) % bounds.length] = next;
      found++;
    }
  }
  return found;
}

async function send(port: number, events: number, batch: number): Promise<void> {
  const event = Buffer.concat([Buffer.from([0, 0xc8, 0x01]), BODY]);
  const frame = Buffer.concat([Buffer.alloc(HEAD_BYTES), number(2 * batch), ...Array.from({ length: batch }, () => event), Buffer.from([0])]);
  frame.writeInt32BE(1, 4);
  frame.writeInt32BE(frame.length - HEAD_BYTES, 8);
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let sent = 0;
  await new Promise<void>((resolve) => {
    const one = (): void => {
      if (sent >= events) return resolve();
      sent += batch;
      frame.writeInt32BE(sent, 0);
      socket.write(frame);
    };
    socket.on('connect', one);
    socket.on('data', one);
  });
  socket.destroy();
}

/** A varint. */
function number(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}
