import type { FileFacts, TailHandle } from '../../io/tail-files.ts';
import { START, type Mark } from './marks.ts';
import type { TailName } from './names.ts';

/** Which file it is, whatever its name. */
export interface Identity {
  readonly device: bigint;
  readonly inode: bigint;
  /** When it was made, in nanoseconds; 0 where that is not known. Tells a file from another one that got its number later. */
  readonly bornNs: bigint;
}

/** First bytes of a content, and their CRC-32. */
export interface Beginning {
  readonly length: number;
  readonly sum: number;
}

/** One file that is followed, under whatever names. */
export class TailFile {
  identity: Identity;
  readonly names = new Set<TailName>();
  handle: TailHandle | undefined;
  /** How far it was read. */
  read: Mark = START;
  /** How far what was read is stored: what is written down. */
  stored: Mark = START;
  /** No line feed is between the read position and here. */
  searchedTo = 0;
  /** The rest of the line at the read position is left out. */
  discarding = false;
  /** The file began anew, and zero bytes in front of its first line are a hole that its writer left. */
  skipsZeros = false;
  /** Size and time as they were when it was read last. */
  lastSize = -1;
  lastModifiedNs = -1n;
  /** When it was known to be there last. */
  lastSeenMs = 0;
  /** When its last bytes were read. */
  lastReadMs = 0;
  /** Since when a smaller size was seen that may be a mistake. */
  shrunkSinceMs = 0;
  readonly foundMs: number;
  /** What its lines are numbered under, by where they end, where somebody wants to know them again; gone with the content. */
  content: string | undefined;
  /** How the content began when it was given that name: for as long as no position tells it from another. */
  begins: Beginning | undefined;
  /** What it held before it was emptied. */
  former: Mark | undefined;
  /** Whether it is known where to begin: at 0, or behind what another file had in common with it. */
  decided = false;
  /** Since when complete lines wait for those that may belong to them, and the size of the file then. */
  heldSinceMs = 0;
  heldSize = -1;
  /** It was there when the source started. */
  wasThere = false;
  /** It was read before, by a process that has ended. */
  resumed = false;
  /** CRC-32 of its first bytes, to tell it from others at no cost; `undefined` where it had fewer. */
  start: number | undefined;
  /** When it was known last to hold what was read of it. */
  lastGoodMs = 0;
  /** With `former`: it was emptied after that. */
  emptiedAfterMs = 0;
  /** The same, and it has no position yet. */
  initial = false;
  /** Why it is not read. */
  refused: string | undefined;
  /** In the queue of those that are to be read. */
  queued = false;
  /** Not before then. */
  notBeforeMs = 0;
  readonly inFlight: InFlight[] = [];
  /** Bytes known to be there and not yet stored, as they were counted last. */
  backlog = 0;
  /** Of its name, or of the one it had last. */
  headers: TailName['headers'] = [];
  shownPath = '';
  /** The path that it had before it was moved or deleted. */
  leftPath = '';

  constructor(identity: Identity, nowMs: number) {
    this.identity = identity;
    this.foundMs = nowMs;
    this.lastSeenMs = nowMs;
  }

  get key(): string {
    return keyOf(this.identity);
  }

  /** What the events of the file are named after: the name it had first of those that it still has. */
  get name(): TailName | undefined {
    const [first] = this.names;
    return first;
  }

  /** A name leads to it. */
  attach(name: TailName): void {
    name.file = this;
    this.names.add(name);
    this.#remembered();
  }

  /** Answers whether it has no name any more; its events go on under the last one. */
  detach(name: TailName): boolean {
    name.file = undefined;
    this.names.delete(name);
    this.leftPath = name.text;
    this.#remembered();
    return this.names.size === 0;
  }

  #remembered(): void {
    const { name } = this;
    if (!name) return;
    this.headers = name.headers;
    this.shownPath = name.text;
  }

  /** Begins at a place that is known from elsewhere. */
  beginAt(mark: Mark): void {
    this.read = mark;
    this.stored = mark;
    this.searchedTo = mark.position;
    this.decided = true;
  }

  /** The content is another one than before. Only when nothing is in flight. */
  beginAnew(): void {
    if (this.read.position > 0) this.former = this.read;
    this.emptiedAfterMs = this.lastGoodMs === 0 ? this.foundMs : this.lastGoodMs;
    this.start = undefined;
    this.content = undefined;
    this.begins = undefined;
    this.beginAt(START);
    this.decided = false;
    this.lastSize = 0;
    this.discarding = false;
    this.skipsZeros = true;
    this.shrunkSinceMs = 0;
  }

  closeHandle(): void {
    this.handle?.close();
    this.handle = undefined;
  }
}

/** A piece of a file on its way to the channels. */
export interface InFlight {
  readonly mark: Mark;
  done: boolean;
}

export function keyOf({ device, inode }: { device: bigint; inode: bigint }): string {
  return `${device}:${inode}`;
}

/** Whether facts speak of the very same file, its number not having been given to another one. */
export function isSame(identity: Identity, facts: FileFacts): boolean {
  return identity.inode === facts.inode && identity.device === facts.device && sameBirth(identity.bornNs, facts.bornNs);
}

export function sameBirth(a: bigint, b: bigint): boolean {
  return a === b || a === 0n || b === 0n;
}
