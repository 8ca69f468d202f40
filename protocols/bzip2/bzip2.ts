import { setImmediate } from 'node:timers/promises';
import { BitWriter } from './bits.ts';
import { codeLengths, codesOf } from './huffman.ts';
import { RotationSorter } from './rotations.ts';
import { symbolsOf, type Symbols } from './symbols.ts';

/**
 * bzip2:
 *
 *     stream = "BZh1" block* 0x177245385090 CRC:32, then zeros up to a byte     CRC: of those of the blocks
 *     block  = 0x314159265359 CRC:32 0:1 row:24 bytes codes                     row: where the block itself stands among its rotations
 *
 * Bytes that repeat themselves four times are followed by how often they do so beyond that; the rotations of a block are sorted, and the last
 * byte of each is coded (symbols.ts) with two to six tables, chosen anew for each 50 symbols.
 */
const STREAM_HEAD = 'BZh1';
/** Of the smallest size, 100,000, so that other work has its turn between blocks. */
const BLOCK_BYTES = 100_000 - 19;
const LONGEST_RUN = 255;
const COUNTED_RUN = 4;
const GROUP = 50;
/** How often tables are made to fit the symbols that chose them. */
const ROUNDS = 4;

/** A stream that is complete in itself; streams may follow one another. */
export async function compressBzip2(bytes: Uint8Array): Promise<Buffer> {
  const bits = new BitWriter();
  for (const letter of Buffer.from(STREAM_HEAD)) bits.write(letter, 8);
  const sorter = new RotationSorter(Math.min(BLOCK_BYTES, bytes.length + Math.ceil(bytes.length / COUNTED_RUN)));
  let checksum = 0;
  for (let at = 0; at < bytes.length; ) {
    const { block, end } = blockOf(bytes, at);
    const crc = crcOf(bytes.subarray(at, end));
    checksum = ((checksum << 1) | (checksum >>> 31)) ^ crc;
    writeBlock(bits, block, crc, sorter);
    at = end;
    if (at < bytes.length) await setImmediate();
  }
  for (const part of [0x1772, 0x4538, 0x5090]) bits.write(part, 16);
  bits.write32(checksum);
  return bits.end();
}

/** As much as fits into a block, with its runs shortened. */
function blockOf(bytes: Uint8Array, from: number): { readonly block: Uint8Array; readonly end: number } {
  const block = new Uint8Array(BLOCK_BYTES);
  let length = 0;
  let at = from;
  while (at < bytes.length && length + COUNTED_RUN < BLOCK_BYTES) {
    const byte = bytes[at] as number;
    let run = 1;
    while (run < LONGEST_RUN && bytes[at + run] === byte) run++;
    at += run;
    for (let written = 0; written < Math.min(run, COUNTED_RUN); written++) block[length++] = byte;
    if (run >= COUNTED_RUN) block[length++] = run - COUNTED_RUN;
  }
  return { block: block.subarray(0, length), end: at };
}

function writeBlock(bits: BitWriter, block: Uint8Array, crc: number, sorter: RotationSorter): void {
  const order = sorter.sort(block);
  const column = new Uint8Array(block.length);
  for (let at = 0; at < order.length; at++) column[at] = block[((order[at] as number) || block.length) - 1] as number;
  for (const part of [0x3141, 0x5926, 0x5359]) bits.write(part, 16);
  bits.write32(crc);
  bits.write(0, 1);
  bits.write(order.indexOf(0), 24);
  const symbols = symbolsOf(column);
  writeBytes(bits, symbols.bytes);
  writeSymbols(bits, symbols);
}

/** Which bytes occur: first which sixteenths of all, then which of each. */
function writeBytes(bits: BitWriter, bytes: readonly number[]): void {
  const maps = Array.from({ length: 16 }, () => 0);
  for (const byte of bytes) maps[byte >> 4]! |= 0x8000 >> (byte & 15);
  bits.write(maps.reduce((map, part, index) => (part === 0 ? map : map | (0x8000 >> index)), 0), 16);
  for (const part of maps) if (part !== 0) bits.write(part, 16);
}

function writeSymbols(bits: BitWriter, symbols: Symbols): void {
  const { list } = symbols;
  const { tables, choices } = chooseTables(symbols);
  bits.write(tables.length, 3);
  bits.write(choices.length, 15);
  const recent = [...tables.keys()];
  for (const choice of choices) {
    const place = recent.indexOf(choice);
    recent.splice(place, 1);
    recent.unshift(choice);
    bits.write((1 << (place + 1)) - 2, place + 1);
  }
  for (const lengths of tables) writeLengths(bits, lengths);
  const codes = tables.map(codesOf);
  for (let at = 0; at < list.length; at++) {
    const choice = choices[Math.floor(at / GROUP)] as number;
    const symbol = list[at] as number;
    bits.write(codes[choice]?.[symbol] as number, tables[choice]?.[symbol] as number);
  }
}

/** Each length by its difference to the one before: 10 is one more, 11 one less, 0 ends it. */
function writeLengths(bits: BitWriter, lengths: Uint8Array): void {
  let before = lengths[0] as number;
  bits.write(before, 5);
  for (const length of lengths) {
    for (; before < length; before++) bits.write(2, 2);
    for (; before > length; before--) bits.write(3, 2);
    bits.write(0, 1);
  }
}

/** Tables that begin with a part of the alphabet each, and are made to fit the groups of symbols to which they fit best. */
function chooseTables({ list, alphabet }: Symbols): { readonly tables: Uint8Array[]; readonly choices: Uint8Array } {
  const count = list.length < 200 ? 2 : list.length < 600 ? 3 : list.length < 1200 ? 4 : list.length < 2400 ? 5 : 6;
  const choices = new Uint8Array(Math.ceil(list.length / GROUP));
  let tables = firstTables(list, alphabet, count);
  for (let round = 0; round < ROUNDS; round++) {
    const frequencies = tables.map(() => new Uint32Array(alphabet));
    for (const group of choices.keys()) {
      const part = list.subarray(group * GROUP, (group + 1) * GROUP);
      const costs = tables.map((lengths) => part.reduce((sum, symbol) => sum + (lengths[symbol] as number), 0));
      const choice = costs.indexOf(Math.min(...costs));
      choices[group] = choice;
      for (const symbol of part) frequencies[choice]![symbol]!++;
    }
    tables = frequencies.map(codeLengths);
  }
  return { tables, choices };
}

/** Each is cheap for symbols that make up its share of the list. */
function firstTables(list: Uint16Array, alphabet: number, count: number): Uint8Array[] {
  const frequencies = new Uint32Array(alphabet);
  for (const symbol of list) frequencies[symbol]!++;
  const tables = Array.from({ length: count }, () => new Uint8Array(alphabet).fill(15));
  let sum = 0;
  for (const [symbol, frequency] of frequencies.entries()) {
    tables[Math.min(count - 1, Math.floor((sum * count) / list.length))]![symbol] = 1;
    sum += frequency;
  }
  return tables;
}

const crcTable = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  crcTable[byte] = crc;
}

/** CRC-32 with the highest bit first, as bzip2 has it. */
function crcOf(bytes: Uint8Array): number {
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) crc = (crc << 8) ^ (crcTable[(crc >>> 24) ^ (bytes[at] as number)] as number);
  return ~crc >>> 0;
}
