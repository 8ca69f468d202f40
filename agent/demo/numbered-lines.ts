import { crc32 } from 'node:zlib';

const FILLER = 'the river turns the wheel and the wheel turns the stone, by day and by night, '.repeat(2);

/** The line of a number. Its text follows from the number, so that one that was altered is told from one that was sent. */
export function lineOf(number: number): string {
  const head = `${number} `;
  const check = crc32(head);
  return `${head}${check.toString(16).padStart(8, '0')} ${FILLER.slice(0, check % FILLER.length)}`;
}

/** Numbers from `from` up to, and without, `to`. */
export interface Numbers {
  readonly from: number;
  readonly to: number;
}

/** What came of the lines: counted from what was sent and answered and from what stands in the files, without asking the agent. */
export interface Account {
  readonly sent: number;
  /** Answered with OK. */
  readonly acknowledged: number;
  /** Different lines in the files. */
  readonly delivered: number;
  /** Further copies of them. */
  readonly duplicate: number;
  /** Lines in the files that nobody sent. */
  readonly altered: number;
  /** Lines without an end, at the end of a file whose writer was killed; what they were the beginning of has to come again. */
  readonly cut: number;
  /** Answered with OK and in no file. */
  readonly lost: number;
}

/** Compares the numbers that were sent (0 to `sent`) and acknowledged with the contents of the files. */
export function settle(sent: number, acknowledged: readonly Numbers[], files: Iterable<Buffer>): Account {
  const seen = new Uint8Array(sent);
  let delivered = 0;
  let duplicate = 0;
  let altered = 0;
  let cut = 0;
  for (const bytes of files) {
    let begin = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, begin)) {
      const line = bytes.toString('latin1', begin, end);
      begin = end + 1;
      const number = Number.parseInt(line, 10);
      if (!(number >= 0 && number < sent) || line !== lineOf(number)) altered++;
      else if (seen[number] === 1) duplicate++;
      else {
        seen[number] = 1;
        delivered++;
      }
    }
    if (begin < bytes.length) cut++;
  }
  let lost = 0;
  let acked = 0;
  for (const { from, to } of acknowledged) {
    acked += to - from;
    for (let number = from; number < to; number++) if (seen[number] !== 1) lost++;
  }
  return { sent, acknowledged: acked, delivered, duplicate, altered, cut, lost };
}
