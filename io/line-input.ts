import { createReadStream } from 'node:fs';

const LF = 10;
const CR = 13;

/**
 * Lines of a file, or of standard input where no path is given, without what ends them: LF, CR or CR LF, as Java's readers have it. The
 * last line counts without an end. Throws the system's error.
 */
export async function* readLines(path?: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let afterCr = false;
  for await (const chunk of path === undefined ? process.stdin : createReadStream(path)) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    let begin = 0;
    for (let at = rest.length; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte !== LF && byte !== CR) {
        afterCr = false;
        continue;
      }
      if (byte === LF && afterCr && at === begin) begin = at + 1;
      else {
        yield bytes.subarray(begin, at);
        begin = at + 1;
      }
      afterCr = byte === CR;
    }
    rest = Buffer.from(bytes.subarray(begin));
  }
  if (rest.length > 0) yield rest;
}
