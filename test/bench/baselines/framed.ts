/**
 * The "framed" baseline: lines from a socket, each 1,000 (or so many as the first word says) as one frame with its CRC-32, written and synced before
 * the next. `node framed.ts [LINES_PER_SYNC]` prints its port, then the lines that are on the disk for each line on standard input.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FramedFile } from './framed-file.ts';

const MOST_WAITING = 4 * 1024 * 1024;
const PER_SYNC = Number(process.argv[2] ?? 1000);
const directory = mkdtempSync(join(tmpdir(), 'millrace-framed-'));
const file = new FramedFile(join(directory, 'frames'));
let lines = 0;
let turn = Promise.resolve();

class Connection {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #lines = 0;
  #waiting = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#scan(chunk));
    socket.on('end', () => {
      this.#cut();
      void turn.then(() => socket.end());
    });
  }

  #scan(chunk: Buffer): void {
    let begin = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, end + 1)) {
      if (++this.#lines < PER_SYNC) continue;
      this.#chunks.push(chunk.subarray(begin, end + 1));
      begin = end + 1;
      this.#cut();
    }
    if (begin < chunk.length) this.#chunks.push(chunk.subarray(begin));
  }

  #cut(): void {
    const bytes = Buffer.concat(this.#chunks);
    const events = this.#lines;
    this.#chunks = [];
    this.#lines = 0;
    if (events === 0) return;
    this.#waiting += bytes.length;
    if (this.#waiting > MOST_WAITING) this.#socket.pause();
    turn = turn.then(async () => {
      await file.append(bytes, events);
      lines += events;
      this.#waiting -= bytes.length;
      if (this.#waiting < MOST_WAITING / 2) this.#socket.resume();
    });
  }
}

const server = createServer((socket) => new Connection(socket));
process.stdin.on('data', () => console.log(JSON.stringify({ lines })));
process.stdin.on('end', () => {
  rmSync(directory, { recursive: true });
  process.exit(0);
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as { port: number }).port })));
