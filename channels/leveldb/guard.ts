import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { StoreFile, StoreFiles } from '../../io/store-files.ts';
import { decodeDone, encodeDone, FORMAT_VERSION, readU64, writeU64, type DoneState } from './keys.ts';

/**
 * The guard: how far the store had got, written outside of it, so that a store that lost something is noticed. Two slots of 4,096 bytes
 * are written in turn; the one with the higher number counts. A write that is cut short leaves the other.
 *
 *   slot   u32 CRC-32 of the rest up to its length, u32 length, u32 version = 2, u32 zero, u64 number, 8 bytes identity of the store,
 *          u64 tail, u64 body bytes below the tail, then what is done with, as in the store (keys.ts)
 */
export interface GuardState {
  /** Identity of the store, 16 hex digits. */
  readonly store: string;
  /** Number of the first event that the store has not confirmed. The guard is never ahead of the store. */
  readonly tail: number;
  readonly tailBytes: number;
  readonly done: DoneState;
}

export const GUARD_BYTES = 8192;

const SLOT_BYTES = 4096;
const HEADER_BYTES = 48;
const MOST_RANGES = 160;

export interface GuardReading {
  readonly state?: GuardState;
  /** What is wrong with the file where it holds something and nothing of it can be used. */
  readonly fault?: string;
  /** Written by another version of Millrace. */
  readonly version?: number;
}

export class Guard {
  readonly #files: StoreFiles;
  #file: StoreFile;
  #number = 0;
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  /** Written and not synced. */
  #dirty = false;
  /** Head of what is done with, as it was written last, and as it is on the disk for sure. */
  #writtenHead = 0;
  #syncedHead = 0;

  private constructor(files: StoreFiles, file: StoreFile) {
    this.#files = files;
    this.#file = file;
  }

  static async open(files: StoreFiles, path: string): Promise<{ guard: Guard; reading: GuardReading }> {
    const file = await files.openSlots(path, GUARD_BYTES);
    const guard = new Guard(files, file);
    try {
      const { number, ...reading } = readSlots(await file.read(0, GUARD_BYTES));
      guard.#number = number;
      return { guard, reading };
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
  }

  get path(): string {
    return this.#file.path;
  }

  /** Everything below is done with, and stays so after a power cut. */
  get syncedHead(): number {
    return this.#syncedHead;
  }

  /**
   * Writes what `current` answers when the write begins. Calls that come while one write runs share the next. Resolves when it is written:
   * safe from the end of the process, not from a power cut.
   */
  update(current: () => GuardState): Promise<void> {
    if (!this.#writing) return this.#start(current);
    const before = this.#writing;
    this.#next ??= (async (): Promise<void> => {
      await before.catch(() => undefined);
      this.#next = undefined;
      await this.#start(current);
    })();
    return this.#next;
  }

  /** Resolves when everything written so far is on the disk. */
  async sync(): Promise<void> {
    await this.#next?.catch(() => undefined);
    await this.#writing?.catch(() => undefined);
    if (!this.#dirty) return;
    this.#dirty = false;
    const head = this.#writtenHead;
    try {
      await this.#file.sync();
      this.#syncedHead = head;
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#next?.catch(() => undefined);
    await this.#writing?.catch(() => undefined);
    await this.#file.close();
  }

  async #write(bytes: Buffer, position: number): Promise<void> {
    if (this.#file.isLinked?.() === false) {
      const gone = this.#file;
      await this.#files.makeDirectory(dirname(gone.path));
      this.#file = await this.#files.openSlots(gone.path, GUARD_BYTES);
      await gone.close().catch(() => undefined);
    }
    await this.#file.write(bytes, position);
  }

  #start(current: () => GuardState): Promise<void> {
    const number = this.#number + 1;
    const state = current();
    const { head } = state.done;
    const writing = this.#write(encodeSlot(state, number), (number % 2) * SLOT_BYTES);
    // A slot that could not be written is written again: the other one stays as it is.
    this.#writing = writing.then(() => {
      this.#number = number;
      this.#writtenHead = head;
      this.#dirty = true;
    });
    const ended = (): void => {
      this.#writing = undefined;
    };
    this.#writing = this.#writing.finally(ended);
    return this.#writing;
  }
}

function encodeSlot(state: GuardState, number: number): Buffer {
  const done = encodeDone(state.done, MOST_RANGES);
  const bytes = Buffer.alloc(HEADER_BYTES + done.length);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  writeU64(bytes, number, 16);
  bytes.write(state.store, 24, 'hex');
  writeU64(bytes, state.tail, 32);
  writeU64(bytes, state.tailBytes, 40);
  done.copy(bytes, HEADER_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** What the bytes of a guard say. */
export function readSlots(bytes: Buffer): GuardReading & { number: number } {
  const slots = [decodeSlot(bytes.subarray(0, SLOT_BYTES)), decodeSlot(bytes.subarray(SLOT_BYTES, GUARD_BYTES))];
  const [best] = slots.filter((slot) => slot !== undefined).sort((a, b) => b.number - a.number);
  if (best && best.version !== FORMAT_VERSION) return { number: best.number, version: best.version };
  if (best?.state) return { number: best.number, state: best.state };
  if (bytes.every((byte) => byte === 0)) return { number: 0 };
  return { number: 0, fault: 'both of its slots are damaged' };
}

interface Slot {
  readonly number: number;
  readonly version: number;
  readonly state?: GuardState;
}

function decodeSlot(slot: Buffer): Slot | undefined {
  if (slot.length < HEADER_BYTES) return undefined;
  const length = slot.readUInt32LE(4);
  if (length < HEADER_BYTES || length > slot.length || slot.readUInt32LE(0) !== crc32(slot.subarray(4, length))) return undefined;
  const version = slot.readUInt32LE(8);
  const number = readU64(slot, 16);
  if (version !== FORMAT_VERSION) return { number, version };
  const state: GuardState = {
    store: slot.toString('hex', 24, 32),
    tail: readU64(slot, 32),
    tailBytes: readU64(slot, 40),
    done: decodeDone(Buffer.from(slot.subarray(HEADER_BYTES, length))),
  };
  return { number, version, state };
}
