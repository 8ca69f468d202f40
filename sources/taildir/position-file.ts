import type { StoreFiles } from '../../io/store-files.ts';
import { checksum, type Mark } from './marks.ts';
import { keyOf, type Beginning, type Identity } from './tail-file.ts';

/**
 * Two files. The position file is Flume's: a JSON array of `{"inode":1,"pos":2,"file":"/path"}`, which Flume can go on from. Beside it,
 * under its name with `.millrace` behind, stands all that we remember of each file, with the checksums of the position file as it was
 * written last and the time before; its last line is the checksum of the lines before. Both are written to a new file, synced and renamed;
 * the marks come first. So if the position file is neither of those two, somebody else has written it: Flume, or a person, whose
 * positions then count. Between two saves each move of a position is appended, without syncing, to a third file, `.millrace-log`: so a
 * killed process repeats no more than what was just being stored.
 */
export interface SavedFile {
  /** Device and time of birth are known only where we wrote the marks. */
  readonly inode: bigint;
  readonly identity: Identity | undefined;
  readonly path: string;
  /** Where it lay, if that was not `path`: it was moved out of its pattern. */
  readonly place: string | undefined;
  readonly position: number;
  readonly mark: Mark | undefined;
  readonly size: number;
  readonly former: Mark | undefined;
  readonly discarding: boolean;
  /** No name that is followed led to it when it was written down. */
  readonly gone: boolean;
  /** The file was emptied since, and may be there with something else in it. */
  readonly emptied: boolean;
  readonly seenMs: number;
  /** What its lines are numbered under. */
  readonly content?: string;
  readonly begins?: Beginning;
}

export interface Saved {
  readonly files: readonly SavedFile[];
  /** False: there was no position file; every file begins where the configuration says. */
  readonly known: boolean;
  /** Lines of the log that come now have higher numbers. */
  readonly number: number;
  /** Checksum of the position file; 0 where there is none. */
  readonly sum: number;
  /** What was wrong, as sentences for the log, with the place that a damaged file was moved to. */
  readonly faults: readonly { readonly sentence: string; readonly facts: Readonly<Record<string, string>> }[];
}

const FORMAT = 1;

export function logPath(path: string): string {
  return `${path}.millrace-log`;
}

/** One line of the log. Its number tells whether the marks, which have the number of the last line before them, hold it already. */
export function logLine(number: number, mark: string): string {
  const text = `${number} ${mark}`;
  return `${checksum(text).toString(16).padStart(8, '0')} ${text}\n`;
}

/** The entries with what was logged since in their places, and the number of the last line. A line that is torn ends the log. */
function withLog(marks: Marks, log: Buffer | undefined): Marks {
  if (!log || log.length === 0) return marks;
  const emptied = marks.files.filter((file) => file.emptied);
  const rest = new Map(marks.files.filter((file) => !file.emptied).map((file) => [savedKey(file), file]));
  let { number } = marks;
  for (const line of log.toString().split('\n')) {
    const text = line.slice(9);
    if (line.length < 10 || Number.parseInt(line.slice(0, 8), 16) !== checksum(text)) break;
    const blank = text.indexOf(' ');
    if (Number(text.slice(0, blank)) <= marks.number) continue;
    number = Number(text.slice(0, blank));
    const file = savedOf(JSON.parse(text.slice(blank + 1)) as MarkEntry);
    if (file.emptied) emptied.push(file);
    else rest.set(savedKey(file), file);
  }
  return { ...marks, number, files: [...rest.values(), ...emptied] };
}

/** Devices may have other numbers after the machine was started again; the time of birth stays. Of Flume's entries only the inode is known. */
export function savedKey({ identity, inode }: Pick<SavedFile, 'identity' | 'inode'>): string {
  if (!identity) return String(inode);
  return identity.bornNs === 0n ? keyOf(identity) : `${inode}@${identity.bornNs}`;
}

export function marksPath(path: string): string {
  return `${path}.millrace`;
}

/** Reads both files; a damaged one is renamed when `setAside` is given, and never the reason to fail. Throws what the system said. */
export async function loadPositions(files: Pick<StoreFiles, 'read' | 'rename'>, path: string, setAside: boolean): Promise<Saved> {
  const faults: { sentence: string; facts: Record<string, string> }[] = [];
  const damaged = async (which: string, sentence: string): Promise<void> => {
    const place = `${which}.damaged-${Date.now()}`;
    if (setAside) await files.rename(which, place);
    faults.push({ sentence, facts: { path: which, ...(setAside && { movedTo: place }) } });
  };
  const positionBytes = await files.read(path);
  if (!positionBytes) return { files: [], known: false, number: 0, sum: 0, faults };
  const marksBytes = await files.read(marksPath(path));
  const read = marksBytes && parseMarks(marksBytes);
  const marks = read && withLog(read, await files.read(logPath(path)));
  if (marksBytes && !read) await damaged(marksPath(path), 'marks of the position file are damaged and are set aside');
  const sum = checksum(positionBytes);
  if (marks && positionBytes.length > 0 && (sum === marks.positions || sum === marks.before)) return { files: marks.files, known: true, number: marks.number, sum, faults };
  const { entries, whole } = parsePositions(positionBytes.toString());
  if (!whole) {
    const sentence = marks ? 'position file is damaged; the marks beside it are used' : 'position file is damaged; what can be read of it is used';
    await damaged(path, sentence);
    if (marks) return { files: marks.files, known: true, number: marks.number, sum, faults };
  }
  return { files: merged(entries, marks?.files ?? []), known: true, number: marks?.number ?? 0, sum, faults };
}

/** Positions of somebody else, with our marks where the position is the same. What is missing in theirs was not there for them. */
function merged(entries: readonly SavedFile[], ours: readonly SavedFile[]): SavedFile[] {
  const byInode = new Map(ours.map((file) => [file.inode, file]));
  const theirs = entries.map((entry) => {
    const own = byInode.get(entry.inode);
    return own && own.position === entry.position ? own : entry;
  });
  const named = new Set(theirs.map(({ inode }) => inode));
  return [...theirs, ...ours.filter(({ inode }) => !named.has(inode))];
}

/** Flume's format, as far as it can be read: like Flume we take the entries in front of a damage. */
export function parsePositions(text: string): { readonly entries: readonly SavedFile[]; readonly whole: boolean } {
  if (text.trim() === '') return { entries: [], whole: false };
  try {
    // Numbers as they are written: an inode may have 64 bits.
    const list: unknown = JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' && context?.source !== undefined ? BigInt(context.source) : value,
    );
    if (Array.isArray(list)) {
      const entries = list.flatMap((entry: unknown) => positionEntry(entry));
      return { entries, whole: entries.length === list.length };
    }
  } catch {
    // Cut off or overwritten: see below.
  }
  const entries = [...text.matchAll(/\{\s*"inode"\s*:\s*(\d+)\s*,\s*"pos"\s*:\s*(\d+)\s*,\s*"file"\s*:\s*("(?:[^"\\]|\\.)*")\s*\}/g)].flatMap(([, inode = '', pos = '', file = '']) => {
    try {
      return positionEntry({ inode: BigInt(inode), pos: BigInt(pos), file: JSON.parse(file) as unknown });
    } catch {
      return [];
    }
  });
  return { entries, whole: false };
}

function positionEntry(entry: unknown): SavedFile[] {
  if (typeof entry !== 'object' || entry === null) return [];
  const { inode, pos, file } = entry as Record<string, unknown>;
  if (typeof inode !== 'bigint' || typeof pos !== 'bigint' || pos < 0n || typeof file !== 'string') return [];
  const position = Number(pos);
  return [{ inode, identity: undefined, path: file, place: undefined, position, mark: undefined, size: position, former: undefined, discarding: false, gone: false, emptied: false, seenMs: 0 }];
}

interface Marks {
  /** Of the last line of the log that they hold. */
  readonly number: number;
  readonly positions: number;
  readonly before: number;
  readonly files: readonly SavedFile[];
}

type MarkNumbers = readonly [number, number | null, number | null, number | null];

interface MarkEntry {
  readonly device: string;
  readonly inode: string;
  readonly born: string;
  readonly path: string;
  readonly place?: string;
  /** Position, head, tail, all; only the position where that is all that is known. */
  readonly mark: MarkNumbers;
  readonly size: number;
  readonly former?: MarkNumbers;
  readonly discarding?: true;
  readonly gone?: true;
  readonly emptied?: true;
  readonly seen: number;
  readonly content?: string;
  readonly begins?: readonly [length: number, sum: number];
}

function parseMarks(bytes: Buffer): Marks | undefined {
  const end = bytes.lastIndexOf('\n', bytes.length - 2) + 1;
  if (end <= 0 || Number.parseInt(bytes.toString('latin1', end), 16) !== checksum(bytes.subarray(0, end))) return undefined;
  try {
    const { format, number, positions, before, files } = JSON.parse(bytes.toString('utf8', 0, end)) as { format: number; number: number; positions: number; before: number; files: MarkEntry[] };
    if (format !== FORMAT) return undefined;
    return { number, positions, before, files: files.map((entry) => savedOf(entry)) };
  } catch {
    return undefined;
  }
}

function savedOf(entry: MarkEntry): SavedFile {
  const mark = markOf(entry.mark);
  const known = entry.mark[1] !== null;
  return {
    inode: BigInt(entry.inode),
    identity: known ? { device: BigInt(entry.device), inode: BigInt(entry.inode), bornNs: BigInt(entry.born) } : undefined,
    path: entry.path,
    place: entry.place,
    position: mark.position,
    mark: known ? mark : undefined,
    size: entry.size,
    former: entry.former && markOf(entry.former),
    discarding: entry.discarding ?? false,
    gone: entry.gone ?? false,
    emptied: entry.emptied ?? false,
    seenMs: entry.seen,
    ...(entry.content !== undefined && { content: entry.content }),
    ...(entry.begins && { begins: { length: entry.begins[0], sum: entry.begins[1] } }),
  };
}

function markOf([position, head, tail, all]: MarkNumbers): Mark {
  return { position, head: head ?? 0, tail: tail ?? 0, all: all ?? undefined };
}

function markEntry({ position, head, tail, all }: Mark): MarkNumbers {
  return [position, head, tail, all ?? null];
}

/** What is written of one file, in each of the two. */
export interface Written {
  /** `undefined` for a file that Flume would not list. */
  readonly position: string | undefined;
  readonly mark: string;
}

export function writtenOf(file: SavedFile): Written {
  const { inode, identity, mark, former } = file;
  const entry: MarkEntry = {
    device: String(identity?.device ?? 0n),
    inode: String(inode),
    born: String(identity?.bornNs ?? 0n),
    path: file.path,
    ...(file.place !== undefined && { place: file.place }),
    mark: mark ? markEntry(mark) : [file.position, null, null, null],
    size: file.size,
    ...(former && { former: markEntry(former) }),
    ...(file.discarding && { discarding: true as const }),
    ...(file.gone && { gone: true as const }),
    ...(file.emptied && { emptied: true as const }),
    seen: file.seenMs,
    ...(file.content !== undefined && { content: file.content }),
    ...(file.begins && { begins: [file.begins.length, file.begins.sum] as const }),
  };
  const text = file.gone ? undefined : `{"inode":${inode},"pos":${file.position},"file":${javaJson(file.path)}}`;
  return { position: text, mark: JSON.stringify(entry) };
}

/** As Flume's library writes text: some more characters escaped than JSON asks for. */
function javaJson(text: string): string {
  return JSON.stringify(text).replace(/[<>&='\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Writes both files, one save after another. */
export class PositionWriter {
  readonly #files: Pick<StoreFiles, 'replace'>;
  readonly #path: string;
  #before = 0;
  #last: Buffer | undefined;

  constructor(files: Pick<StoreFiles, 'replace'>, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** What stands in the position file, as it was read. */
  follows(sum: number): void {
    this.#before = sum;
  }

  /** `number` is that of the last line of the log that the entries hold. Resolves when it is on the disk; does nothing where nothing has changed since the last time. Not for overlapping calls. */
  async save(entries: readonly Written[], number: number): Promise<void> {
    const files = Buffer.from(entries.map(({ mark }) => mark).join(',\n'));
    if (this.#last?.equals(files) === true) return;
    const positions = Buffer.from(`[${entries.flatMap(({ position }) => position ?? []).join(',')}]`);
    const sum = checksum(positions);
    const head = Buffer.from(`{"format":${FORMAT},"number":${number},"positions":${sum},"before":${this.#before},"files":[\n`);
    const end = Buffer.from('\n]}\n');
    const whole = [head, files, end].reduce((before, bytes) => checksum(bytes, before), 0);
    await this.#files.replace(marksPath(this.#path), Buffer.concat([head, files, end, Buffer.from(`${whole.toString(16).padStart(8, '0')}\n`)]));
    await this.#files.replace(this.#path, positions);
    this.#before = sum;
    this.#last = files;
  }
}
