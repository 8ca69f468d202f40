import { join } from 'node:path';
import type { Origin } from '../../core/component.ts';
import { AgentError, describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { claimExclusively } from '../../io/exclusive.ts';
import type { LogFile, LogFiles } from '../../io/log-files.ts';
import { processMark } from '../../io/store-files.ts';

/**
 * The files that a sink has in use, on a disk of this machine, so that those a crash leaves can be put in order at the next start:
 *
 *     list  = line*                                  each a JSON value and a line feed; one that is cut off is the last and counts nothing
 *     line  = {"boot": text, "place": text}          the first: which run of the machine wrote it, and which file system it is about
 *           | {"open": id, "path", "final", "size", "crc", "good"}   about to be created, or continued: size and CRC-32 of its first
 *                                                  bytes, and how much of it was accepted; null where that is not known
 *           | {"good": [[id, length], ...], "taken": origin}   so much of each was accepted, with these events of a channel
 *           | {"done": [id, ...]}                    closed, or gone
 *
 * It is not synced: it survives kill -9, and after a power cut it is read as a list of names only, because lengths may be missing.
 */
export interface LeftOver {
  readonly path: string;
  readonly finalPath: string;
  readonly head: Head;
  /** Bytes that were accepted; `undefined` where that is not known for sure. */
  readonly length: number | undefined;
}

/** What a file was created with: how many bytes, and the CRC-32 of the first of them. */
export interface Head {
  readonly size: number;
  readonly crc: number;
}

export interface OpenedList {
  readonly list: OpenList;
  readonly leftOvers: readonly LeftOver[];
  /** The events that were accepted last. */
  readonly taken: Origin | undefined;
}

interface Entry {
  readonly path: string;
  readonly finalPath: string;
  readonly head: Head;
  length: number | undefined;
}

/** Written anew beyond this. */
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_PLACES = 16;

export class OpenList {
  readonly #directory: string;
  readonly #files: LogFiles;
  readonly #first: object;
  readonly #release: () => Promise<void>;
  #file: LogFile;
  #position = 0;
  #number: number;
  #nextId = 1;
  /** What stands in the list now. */
  readonly #open = new Map<number, Entry>();
  #last: Promise<void> = Promise.resolve();

  private constructor(directory: string, files: LogFiles, file: LogFile, number: number, first: object, release: () => Promise<void>) {
    this.#directory = directory;
    this.#files = files;
    this.#file = file;
    this.#number = number;
    this.#first = first;
    this.#release = release;
  }

  /** Opens the list of a sink, `name`, in `directory`; a list that a living process holds is left alone and another one begun. */
  static async open(directory: string, name: string, place: string, files: LogFiles, log: Logger): Promise<OpenedList> {
    const { folder, release } = await claim(directory, name);
    try {
      const boot = ((await processMark(process.pid)) ?? '').split(' ')[0] ?? '';
      const old = (await files.list(folder)).filter((entry) => /^\d+\.list$/.test(entry)).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
      const leftOvers: LeftOver[] = [];
      // A list that was being written anew when the process ended stands beside its successor.
      const byPath = new Map<string, LeftOver>();
      let taken: Origin | undefined;
      for (const entry of old) {
        const read = await readList(join(folder, entry), { boot, place }, files, log);
        for (const left of read.leftOvers) byPath.set(left.path, left);
        taken = read.taken ?? taken;
      }
      leftOvers.push(...byPath.values());
      const number = Number.parseInt(old.at(-1) ?? '0', 10) + 1;
      const first = { boot, place };
      const list = new OpenList(folder, files, await files.create(join(folder, `${number}.list`)), number, first, release);
      await list.#write([first]);
      // What was left over is told again by whoever takes care of it, before the old list goes.
      list.forgetOld = async () => void (await Promise.all(old.map((entry) => files.remove(join(folder, entry)))));
      return { list, leftOvers, taken };
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** Removes the lists of earlier runs; call it once their left-overs are noted here. */
  forgetOld: () => Promise<void> = async () => undefined;

  /** Notes a file before it is created, or one that is there; answers its number here. */
  async opening(file: LeftOver): Promise<number> {
    const id = this.#nextId++;
    this.#open.set(id, { ...file });
    await this.#write([lineOf(id, file)]);
    return id;
  }

  /** Notes how long files are, each as accepted, and which events that was for; the channel may not hear of it if the process ends now. */
  grown(lengths: readonly (readonly [id: number, length: number])[], taken?: Origin): Promise<void> {
    for (const [id, length] of lengths) {
      const entry = this.#open.get(id);
      if (entry) entry.length = length;
    }
    return this.#write([{ good: lengths, ...(taken && { taken }) }]);
  }

  closed(ids: readonly number[]): Promise<void> {
    for (const id of ids) this.#open.delete(id);
    return this.#write([{ done: ids }]);
  }

  /**
   * Gives the list up, since it cannot be written any more: lengths that are too small would have good bytes cut off. Throws if it
   * cannot be removed either.
   */
  async abandon(): Promise<void> {
    await this.#last;
    await this.#files.remove(this.#file.path);
    await this.#file.close().catch(() => undefined);
    await this.#release();
  }

  /** Removes the list if no file is in use. */
  async close(): Promise<void> {
    await this.#last;
    await this.#file.close();
    if (this.#open.size === 0) await this.#files.remove(this.#file.path);
    await this.#release();
  }

  #write(lines: readonly object[]): Promise<void> {
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const written = this.#last.then(async () => {
      if (this.#position > MOST_BYTES) await this.#renew();
      else await this.#append(bytes);
    });
    this.#last = written.catch(() => undefined);
    return written;
  }

  async #append(bytes: Buffer): Promise<void> {
    await this.#file.write([bytes], this.#position);
    this.#position += bytes.length;
  }

  async #renew(): Promise<void> {
    const old = this.#file;
    this.#file = await this.#files.create(join(this.#directory, `${++this.#number}.list`));
    this.#position = 0;
    const lines = [this.#first, ...Array.from(this.#open, ([id, entry]) => lineOf(id, entry))];
    await this.#append(Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
    await old.close();
    await this.#files.remove(old.path);
  }
}

function lineOf(id: number, { path, finalPath, head, length }: LeftOver): object {
  return { open: id, path, final: finalPath, size: head.size, crc: head.crc, good: length ?? null };
}

async function claim(directory: string, name: string): Promise<{ folder: string; release: () => Promise<void> }> {
  let failure: unknown;
  for (let place = 1; place <= MOST_PLACES; place++) {
    const folder = join(directory, place === 1 ? name : `${name}-${place}`);
    try {
      return { folder, release: await claimExclusively(folder, name) };
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      failure = error;
    }
  }
  throw failure;
}

interface Line {
  readonly boot?: string;
  readonly place?: string;
  readonly open?: number;
  readonly path?: string;
  readonly final?: string;
  readonly size?: number;
  readonly crc?: number;
  readonly good?: number | null | [number, number][];
  readonly done?: number[];
  readonly taken?: Origin;
}

async function readList(path: string, now: { boot: string; place: string }, files: LogFiles, log: Logger): Promise<{ leftOvers: LeftOver[]; taken: Origin | undefined }> {
  const file = await files.open(path);
  const bytes = Buffer.alloc(file.size);
  await file.read(bytes, 0);
  await file.close();
  const open = new Map<number, LeftOver>();
  let exact = false;
  let taken: Origin | undefined;
  try {
    for (const [index, line] of bytes.toString().split('\n').slice(0, -1).entries()) {
      const value = JSON.parse(line) as Line;
      if (index === 0) {
        if (value.place !== now.place) {
          log.warn('files left in use by an earlier run are in another file system; they are left as they are', { list: path, place: value.place ?? '' });
          return { leftOvers: [], taken: undefined };
        }
        exact = value.boot === now.boot && now.boot !== '';
      }
      if (value.open !== undefined) {
        const length = typeof value.good === 'number' ? value.good : undefined;
        open.set(value.open, { path: value.path ?? '', finalPath: value.final ?? '', head: { size: value.size ?? 0, crc: value.crc ?? 0 }, length });
      }
      for (const [id, length] of Array.isArray(value.good) ? value.good : []) {
        const entry = open.get(id);
        if (entry?.length !== undefined) open.set(id, { ...entry, length });
      }
      for (const id of value.done ?? []) open.delete(id);
      taken = value.taken ?? taken;
    }
  } catch (error) {
    log.warn('the list of files left in use cannot be read from some line on', { list: path, reason: describeError(error) });
    exact = false;
  }
  return { leftOvers: [...open.values()].map((entry) => (exact ? entry : { ...entry, length: undefined })), taken };
}
