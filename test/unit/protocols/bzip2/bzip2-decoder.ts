/** Reads what bzip2 writes, streams one behind the other included, as its format is described; throws where it is not that. */
export function decompressBzip2(stream: Uint8Array): Buffer {
  const bits = new BitReader(stream);
  const parts: Buffer[] = [];
  while (!bits.atEnd) {
    if (bits.read(24) !== 0x42_5a68) throw new Error('no stream begins here');
    const most = (bits.read(8) - 0x30) * 100_000;
    let whole = 0;
    for (let mark = bits.read(48); mark !== 0x1772_4538_5090; mark = bits.read(48)) {
      if (mark !== 0x3141_5926_5359) throw new Error('no block begins here');
      const crc = bits.read(32);
      const bytes = readBlock(bits, most);
      if (crcOf(bytes) !== crc) throw new Error('the checksum of a block is wrong');
      whole = (((whole << 1) | (whole >>> 31)) ^ crc) >>> 0;
      parts.push(bytes);
    }
    if (bits.read(32) !== whole) throw new Error('the checksum of a stream is wrong');
    bits.align();
  }
  return Buffer.concat(parts);
}

class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= 8 * this.#bytes.length;
  }

  read(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++, this.#at++) {
      const byte = this.#bytes[this.#at >> 3];
      if (byte === undefined) throw new Error('it ends too early');
      value = 2 * value + ((byte >> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }

  align(): void {
    this.#at = 8 * Math.ceil(this.#at / 8);
  }
}

function readBlock(bits: BitReader, most: number): Buffer {
  if (bits.read(1) !== 0) throw new Error('an old kind of block');
  const row = bits.read(24);
  const rows = Array.from({ length: 16 }, () => bits.read(1));
  const recent: number[] = [];
  for (const [high, used] of rows.entries()) {
    for (let low = 0; low < 16 && used === 1; low++) if (bits.read(1) === 1) recent.push(16 * high + low);
  }
  const end = recent.length + 1;
  const column: number[] = [];
  let run = 0;
  let weight = 1;
  for (const symbol of symbolsOf(bits, end + 1)) {
    if (symbol <= 1) {
      run += (symbol + 1) * weight;
      weight *= 2;
      continue;
    }
    while (run-- > 0) column.push(recent[0] as number);
    [run, weight] = [0, 1];
    if (symbol === end) break;
    recent.unshift(...recent.splice(symbol - 1, 1));
    column.push(recent[0] as number);
    if (column.length > most) throw new Error('a block is too long');
  }
  return withRuns(unsorted(column, row));
}

function* symbolsOf(bits: BitReader, alphabet: number): Generator<number> {
  const tableCount = bits.read(3);
  if (tableCount < 2 || tableCount > 6) throw new Error(`${tableCount} tables`);
  const order = Array.from({ length: tableCount }, (_, index) => index);
  const choices = Array.from({ length: bits.read(15) }, () => {
    let place = 0;
    while (bits.read(1) === 1) place++;
    order.unshift(...order.splice(place, 1));
    return order[0] as number;
  });
  const tables = Array.from({ length: tableCount }, () => readTable(bits, alphabet));
  for (const choice of choices) {
    for (let at = 0; at < 50; at++) {
      let code = '';
      let symbol: number | undefined;
      while (symbol === undefined) {
        code += bits.read(1);
        if (code.length > 20) throw new Error('a code that no symbol has');
        symbol = tables[choice]?.get(code);
      }
      yield symbol;
    }
  }
  throw new Error('a block without an end');
}

function readTable(bits: BitReader, alphabet: number): Map<string, number> {
  let length = bits.read(5);
  const lengths = Array.from({ length: alphabet }, () => {
    while (bits.read(1) === 1) length += bits.read(1) === 0 ? 1 : -1;
    if (length < 1 || length > 20) throw new Error(`a code of ${length} bits`);
    return length;
  });
  const table = new Map<string, number>();
  let code = 0;
  for (let own = 1; own <= 20; own++, code *= 2) {
    for (const [symbol, other] of lengths.entries()) if (other === own) table.set((code++).toString(2).padStart(own, '0'), symbol);
  }
  return table;
}

/** The row of that number, from the last bytes of all rows. */
function unsorted(column: readonly number[], row: number): number[] {
  const next = Array.from(column.keys()).sort((a, b) => (column[a] as number) - (column[b] as number) || a - b);
  const bytes: number[] = [];
  for (let at = row; bytes.length < column.length; ) {
    at = next[at] as number;
    bytes.push(column[at] as number);
  }
  return bytes;
}

function withRuns(bytes: readonly number[]): Buffer {
  const whole: number[] = [];
  let same = 0;
  let before = -1;
  for (const byte of bytes) {
    if (same === 4) {
      for (let more = 0; more < byte; more++) whole.push(before);
      [same, before] = [0, -1];
      continue;
    }
    same = byte === before ? same + 1 : 1;
    before = byte;
    whole.push(byte);
  }
  return Buffer.from(whole);
}

function crcOf(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  }
  return ~crc >>> 0;
}
