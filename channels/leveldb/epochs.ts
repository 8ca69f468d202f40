import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { StoreFiles } from '../../io/store-files.ts';
import { readU64, writeU64 } from './keys.ts';

/** Most epochs that are remembered: events of older ones, which have waited over so many starts, are sent without numbers. */
const MOST_EPOCHS = 200;
const SLOT_BYTES = 4096;
const SLOT_HEADER_BYTES = 16;
const EPOCH_BYTES = 16;

interface Epoch {
  /** 16 hex digits, drawn when it began. */
  readonly name: string;
  /** Number of the first event that was stored in it; it ends where the next one begins. */
  readonly first: number;
}

/**
 * Under which name the numbers of events are told to other agents, which store each number of a name once. With each start of the store an
 * epoch begins, with a name that nobody else has; an event keeps the one in which it was stored. So a copy of a store, and one that was put back
 * to an older state, may give a number again: under another name.
 */
export class Epochs {
  /** In the order of their events. */
  readonly #epochs: readonly Epoch[];

  constructor(epochs: readonly Epoch[] = []) {
    this.#epochs = epochs;
  }

  /** The epoch of an event, and the numbers that belong to it. Without a name: it is not known any more. */
  of(event: number): { readonly name: string | undefined; readonly from: number; readonly to: number } {
    let index = this.#epochs.length - 1;
    while (index >= 0 && (this.#epochs[index] as Epoch).first > event) index--;
    const epoch = this.#epochs[index];
    return { name: epoch?.name, from: epoch?.first ?? 0, to: this.#epochs[index + 1]?.first ?? Infinity };
  }

  /** With another one from `tail` on, and without those of which no event is left, all below `head`. */
  begin(head: number, tail: number): Epochs {
    const kept = this.#epochs.filter(({ first }, index) => first < tail && (this.#epochs[index + 1]?.first ?? Infinity) > head);
    return new Epochs([...kept, { name: randomBytes(8).toString('hex'), first: tail }].slice(-MOST_EPOCHS));
  }

  /** u64 number of the first event and 8 bytes of name, of each. */
  encode(): Buffer {
    const bytes = Buffer.alloc(EPOCH_BYTES * this.#epochs.length);
    for (const [index, { name, first }] of this.#epochs.entries()) {
      writeU64(bytes, first, index * EPOCH_BYTES);
      bytes.write(name, index * EPOCH_BYTES + 8, 'hex');
    }
    return bytes;
  }

  static decode(bytes: Buffer): Epochs {
    const at = (index: number): Epoch => ({ first: readU64(bytes, index * EPOCH_BYTES), name: bytes.toString('hex', index * EPOCH_BYTES + 8, (index + 1) * EPOCH_BYTES) });
    return new Epochs(Array.from({ length: bytes.length / EPOCH_BYTES }, (_, index) => at(index)));
  }
}

interface Slots {
  readonly number: number;
  readonly epochs: Epochs | undefined;
  readonly isBlank: boolean;
}

/**
 * Begins an epoch of the store that holds events from `head` up to `tail`, on the disk as well. The file has two slots, which are written
 * over in turn: that takes no room on a disk that is full. Each: u32 CRC-32 of the rest up to its length, u32 length, u64 number, epochs.
 */
export async function beginEpoch(files: StoreFiles, path: string, head: number, tail: number): Promise<{ readonly epochs: Epochs; readonly remarks: readonly string[] }> {
  const file = await files.openSlots(path, 2 * SLOT_BYTES);
  try {
    const { number, epochs: known, isBlank } = readSlots(await file.read(0, 2 * SLOT_BYTES));
    const epochs = (known ?? new Epochs()).begin(head, tail);
    await file.write(slotOf(epochs, number + 1), ((number + 1) % 2) * SLOT_BYTES);
    await file.sync();
    const remarks = known || head === tail ? [] : [`${path} is ${isBlank ? 'missing' : 'damaged'}: events ${head} to ${tail - 1} are sent without numbers, and what was sent before and not answered comes twice`];
    return { epochs, remarks };
  } finally {
    await file.close();
  }
}

function slotOf(epochs: Epochs, number: number): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(SLOT_HEADER_BYTES), epochs.encode()]);
  bytes.writeUInt32LE(bytes.length, 4);
  writeU64(bytes, number, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

function readSlots(bytes: Buffer): Slots {
  const slots = [bytes.subarray(0, SLOT_BYTES), bytes.subarray(SLOT_BYTES)].flatMap((slot) => {
    const length = slot.length < SLOT_HEADER_BYTES ? 0 : slot.readUInt32LE(4);
    if (length < SLOT_HEADER_BYTES || length > slot.length || slot.readUInt32LE(0) !== crc32(slot.subarray(4, length))) return [];
    return [{ number: readU64(slot, 8), epochs: Epochs.decode(slot.subarray(SLOT_HEADER_BYTES, length)), isBlank: false }];
  });
  const [best] = slots.sort((a, b) => b.number - a.number);
  return best ?? { number: 0, epochs: undefined, isBlank: bytes.every((byte) => byte === 0) };
}
