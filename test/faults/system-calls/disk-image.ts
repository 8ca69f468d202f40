/**
 * What a disk holds after a power cut, from the journal of preload.c. A file's data is on the disk once a sync of it has returned; of what
 * was written since, any part may be. Names are as in the journal of ext4, XFS or Btrfs: they reach the disk in the order in which they
 * were changed, and every sync brings all that came before it.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from '../../compat/random.ts';

/** What becomes of that which was not synced: nothing of it is kept, or of each file a begin whose end is torn, or any of its blocks. */
export type Cut = 'nothing' | 'begin' | 'blocks';

const BLOCK_BYTES = 4096;
const SECTOR_BYTES = 512;
const ENTRY_BYTES = 32;

type Change = { readonly order: number } & ({ readonly at: number; readonly bytes: Buffer } | { readonly size: number });

interface Naming {
  readonly order: number;
  apply(names: Map<string, DiskFile>): void;
}

class DiskFile {
  bytes: Buffer;
  size: number;
  pending: Change[] = [];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.size = bytes.length;
  }

  write(at: number, part: Buffer): void {
    const end = at + part.length;
    if (end > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(end, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.size);
      this.bytes = grown;
    }
    part.copy(this.bytes, at);
    this.size = Math.max(this.size, end);
  }

  truncate(size: number): void {
    this.bytes.fill(0, Math.min(size, this.size));
    if (size > this.size) this.write(size - 1, Buffer.alloc(1));
    this.size = size;
  }

  apply(change: Change): void {
    if ('size' in change) this.truncate(change.size);
    else this.write(change.at, change.bytes);
  }
}

export class DiskImage {
  readonly #top: string;
  readonly #names = new Map<string, DiskFile>();
  readonly #inodes = new Map<bigint, DiskFile>();
  readonly #begun = new Map<bigint, number>();
  #namings: Naming[] = [];
  #order = 0;
  /** Syncs that the process saw succeed. */
  syncs = 0;

  /** Of the directory as it stands, all of which counts as synced. */
  constructor(top: string) {
    this.#top = top;
    for (const path of existsSync(top) ? filesUnder(top) : []) {
      const file = new DiskFile(readFileSync(path));
      this.#names.set(path, file);
      this.#inodes.set(BigInt(statSync(path).ino), file);
    }
  }

  /** Follows what a process did. The journal's last entry may be unfinished, and there is none of one that was killed before it began. */
  play(journal: string): void {
    if (!existsSync(journal)) return;
    const bytes = readFileSync(journal);
    for (let at = 0; at + ENTRY_BYTES <= bytes.length; ) {
      const kind = String.fromCharCode(bytes.readUInt32LE(at));
      const pathBytes = bytes.readUInt32LE(at + 4);
      const inode = bytes.readBigUInt64LE(at + 8);
      const offset = Number(bytes.readBigUInt64LE(at + 16));
      const length = Number(bytes.readBigUInt64LE(at + 24));
      const data = at + ENTRY_BYTES + pathBytes;
      if (data + length > bytes.length) return;
      this.#follow(kind, inode, offset, bytes.toString('utf8', at + ENTRY_BYTES, data), bytes.subarray(data, data + length));
      at = data + length;
    }
  }

  /** Cuts the power, and puts what the disk holds in place of the directory. */
  cut(how: Cut, random: Random): void {
    const named = how === 'nothing' ? 0 : random.below(this.#namings.length + 1);
    for (const naming of this.#namings.slice(0, named)) naming.apply(this.#names);
    for (const file of new Set(this.#names.values())) for (const change of keptOf(file.pending, how, random)) file.apply(change);
    rmSync(this.#top, { recursive: true, force: true });
    mkdirSync(this.#top, { recursive: true });
    for (const [path, { bytes, size }] of this.#names) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes.subarray(0, size));
    }
  }

  #follow(kind: string, inode: bigint, offset: number, path: string, data: Buffer): void {
    const order = ++this.#order;
    const file = this.#inodes.get(inode);
    if (kind === 'w') file?.pending.push({ order, at: offset, bytes: data });
    else if (kind === 't') file?.pending.push({ order, size: offset });
    else if (kind === 'b') this.#begun.set(inode, order);
    else if (kind === 's') this.#synced(file, this.#begun.get(inode) ?? order);
    // The kernel has given up these pages: no later sync brings them.
    else if (kind === 'f' && file) file.pending = file.pending.filter((change) => change.order > (this.#begun.get(inode) ?? order));
    else if (kind === 'c') this.#name(order, path, this.#created(inode));
    else if (kind === 'u') this.#namings.push({ order, apply: (names) => names.delete(path) });
    else if (kind === 'r' || kind === 'l') this.#namings.push({ order, apply: (names) => moved(names, path, data.toString(), kind === 'r') });
  }

  #created(inode: bigint): DiskFile {
    const file = new DiskFile(Buffer.alloc(0));
    this.#inodes.set(inode, file);
    this.#begun.delete(inode);
    return file;
  }

  #name(order: number, path: string, file: DiskFile): void {
    this.#namings.push({ order, apply: (names) => names.set(path, file) });
  }

  #synced(file: DiskFile | undefined, until: number): void {
    this.syncs++;
    for (const change of file?.pending ?? []) if (change.order <= until) file?.apply(change);
    if (file) file.pending = file.pending.filter(({ order }) => order > until);
    for (const naming of this.#namings) if (naming.order <= until) naming.apply(this.#names);
    this.#namings = this.#namings.filter(({ order }) => order > until);
  }
}

function moved(names: Map<string, DiskFile>, from: string, to: string, isRename: boolean): void {
  const file = names.get(from);
  if (isRename) names.delete(from);
  if (file) names.set(to, file);
}

function keptOf(pending: readonly Change[], how: Cut, random: Random): Change[] {
  if (how === 'nothing') return [];
  if (how === 'begin') {
    const whole = random.below(pending.length + 1);
    const torn = pending[whole];
    const kept = pending.slice(0, whole);
    if (torn && 'bytes' in torn) kept.push({ ...torn, bytes: torn.bytes.subarray(0, SECTOR_BYTES * random.below(Math.ceil(torn.bytes.length / SECTOR_BYTES))) });
    return kept;
  }
  return pending.flatMap((change) => ('bytes' in change ? [...blocksOf(change.order, change.at, change.bytes)] : [change])).filter(() => random.chance(0.5));
}

function* blocksOf(order: number, at: number, bytes: Buffer): Generator<Change> {
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + BLOCK_BYTES - ((at + from) % BLOCK_BYTES));
    yield { order, at: at + from, bytes: bytes.subarray(from, to) };
    from = to;
  }
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []));
}
