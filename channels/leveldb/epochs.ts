import { randomBytes } from 'node:crypto';
import type { StoreFiles } from '../../io/store-files.ts';
import { checked, withChecksum } from './keys.ts';

/** Most epochs that are remembered: events of older ones, which have waited over so many starts, are sent without numbers. */
const MOST_EPOCHS = 1000;

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

  /** u32 CRC-32 of the rest, JSON. */
  encode(): Buffer {
    return withChecksum(Buffer.from(`${JSON.stringify(this.#epochs)}\n`));
  }

  /** What `encode` wrote; `undefined`: it did not. */
  static decode(bytes: Buffer): Epochs | undefined {
    const text = checked(bytes);
    return text && new Epochs(JSON.parse(text.toString()) as Epoch[]);
  }
}

/** Begins an epoch of the store that holds events from `head` up to `tail`, on the disk as well. Throws where that cannot be written. */
export async function beginEpoch(files: StoreFiles, path: string, head: number, tail: number): Promise<{ readonly epochs: Epochs; readonly remarks: readonly string[] }> {
  const bytes = await files.read(path);
  const known = bytes && Epochs.decode(bytes);
  const epochs = (known ?? new Epochs()).begin(head, tail);
  await files.replace(path, epochs.encode());
  const remarks = known || head === tail ? [] : [`${path} is ${bytes ? 'damaged' : 'missing'}: events ${head} to ${tail - 1} are sent without numbers, and what was sent before and not answered comes twice`];
  return { epochs, remarks };
}
