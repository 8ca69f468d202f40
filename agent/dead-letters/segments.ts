import { dirname, join } from 'node:path';
import { letterFiles, type LetterFile } from '../../io/letter-files.ts';
import { fingerprint, letterOf, type Letter } from './letter.ts';

/** Which letters are meant; what is absent does not matter. */
export interface Selection {
  readonly agent?: string;
  /** `a1.sinks.k1`, or `k1`. */
  readonly component?: string;
  /** A part of the reason. */
  readonly reason?: string;
  /** Epoch milliseconds. */
  readonly since?: number;
  readonly until?: number;
  /** Whole ids, or the digits in front of the dash for all of one write. */
  readonly ids?: readonly string[];
}

const TIMES_FILE = 'replayed.txt';
const MOST_TIMES_BYTES = 8 * 1024 * 1024;
const LINE_FEED = Buffer.from('\n');
const SEGMENT = /\.jsonl$/;
/** A file that a command has taken out of the way, with the number of its process. */
const TAKEN = /\.jsonl\.([0-9]+)\.taken$/;

export function isSegment(name: string): boolean {
  return SEGMENT.test(name);
}

/** A file by which a command asks the agent for a replay. */
export function requestName(request: string): string {
  return `request-${request}.json`;
}

export function isRequest(name: string): boolean {
  return /^request-[0-9a-f]{32}\.json$/.test(name);
}

/** Whether a letter is one of those meant. */
export function selects(selection: Selection): (letter: Letter) => boolean {
  const { agent, component, reason, since, until, ids } = selection;
  const wanted = ids && new Set(ids);
  return (letter) => {
    if (agent !== undefined && !letter.component.startsWith(`${agent}.`)) return false;
    if (component !== undefined && letter.component !== component && !letter.component.endsWith(`.${component}`)) return false;
    if (reason !== undefined && !letter.reason.includes(reason)) return false;
    const time = Date.parse(letter.time);
    if (since !== undefined && !(time >= since)) return false;
    if (until !== undefined && !(time <= until)) return false;
    return !wanted || wanted.has(letter.id) || wanted.has(letter.id.split('-')[0] ?? '');
  };
}

export interface ReadSegment {
  readonly file: LetterFile;
  readonly letters: readonly Letter[];
  /** Lines that are no letters. */
  readonly unreadable: number;
}

/** The letters of a folder and of its folders, file by file, the oldest file first. */
export async function* readSegments(folder: string): AsyncGenerator<ReadSegment> {
  const files = (await letterFiles.list(folder, true)).filter(({ name }) => isSegment(name) || isAbandoned(name)).sort(byAge);
  // After a crash while letters were taken out, what was left may stand in two files.
  const seen = files.every(({ name }) => isSegment(name)) ? undefined : new Set<string>();
  for (const file of files) {
    const found = parse(await letterFiles.read(file.path).catch(() => Buffer.alloc(0)));
    const letters = found.flatMap(({ letter }) => (letter && !seen?.has(letter.id) ? [letter] : []));
    for (const { id } of letters) seen?.add(id);
    yield { file, letters, unreadable: found.filter(({ letter }) => !letter).length };
  }
}

/**
 * Takes letters out: hands those selected to `handle`, a file at a time in the order in which they were set aside, and removes as many
 * from the front as it answers. A letter is removed only after it was handled: a crash in between leaves it. Ends at the first letter that
 * was not handled; `left` then counts those of its file that are left.
 */
export async function takeLetters(
  folder: string,
  selection: Selection,
  handle: (letters: readonly Letter[], folder: string) => Promise<number>,
): Promise<{ taken: number; left: number }> {
  const wanted = selects(selection);
  let taken = 0;
  for await (const { file, letters } of readSegments(folder)) {
    if (!letters.some(wanted)) continue;
    const original = file.path.replace(TAKEN, '.jsonl');
    const path = `${original}.${process.pid}.taken`;
    if (path !== file.path && !(await letterFiles.move(file.path, path))) continue;
    // Read again: more may have come before it was moved.
    const lines = parse(await letterFiles.read(path));
    const chosen = lines.flatMap(({ letter }) => (letter && wanted(letter) ? [letter] : []));
    const handled = await handle(chosen, dirname(path)).catch(async (error: unknown) => {
      await letterFiles.move(path, original);
      throw error;
    });
    const gone = new Set(chosen.slice(0, handled));
    const rest = lines.filter(({ letter }) => !letter || !gone.has(letter));
    if (rest.length > 0) await letterFiles.create(original, Buffer.concat(rest.flatMap(({ raw }) => [raw, LINE_FEED])));
    await letterFiles.remove(path);
    taken += handled;
    if (handled < chosen.length) return { taken, left: chosen.length - handled };
  }
  return { taken, left: 0 };
}

/** Remembers how often the letters of a replay were set aside, for the case that they come back. */
export async function noteTimes(folder: string, letters: readonly Letter[]): Promise<void> {
  const path = join(folder, TIMES_FILE);
  const file = await timesFile(folder);
  if (file && file.bytes > MOST_TIMES_BYTES) await letterFiles.remove(path);
  await letterFiles.note(path, letters.map(({ event, times }) => `${fingerprint(event)} ${times}\n`).join(''));
}

/** How often events were set aside that were replayed since, by fingerprint. Reads the file only after it has changed. */
export class ReplayedTimes {
  #state = '';
  #times: ReadonlyMap<string, number> = new Map();

  async read(folder: string): Promise<ReadonlyMap<string, number>> {
    const file = await timesFile(folder);
    const state = file ? `${file.bytes} ${file.changedMs}` : '';
    if (state !== this.#state) this.#times = file ? parseTimes(await letterFiles.read(file.path)) : new Map();
    this.#state = state;
    return this.#times;
  }
}

/** Epoch milliseconds of the first letter in a file, from its name: a file that letters were taken out of stays as old as it was. */
export function beginOf({ name, changedMs }: LetterFile): number {
  return Number(/-([0-9]{13})-[0-9a-f]+\.jsonl/.exec(name)?.[1] ?? changedMs);
}

export function byAge(a: LetterFile, b: LetterFile): number {
  return beginOf(a) - beginOf(b);
}

async function timesFile(folder: string): Promise<LetterFile | undefined> {
  return (await letterFiles.list(folder)).find(({ name }) => name === TIMES_FILE);
}

function parseTimes(content: Buffer): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const line of content.toString('latin1').split('\n')) {
    const [mark = '', count] = line.split(' ');
    if (Number(count) > 0) times.set(mark, Math.max(Number(count), times.get(mark) ?? 0));
  }
  return times;
}

/** Taken by a process that is no more, or by this one before something went wrong. */
function isAbandoned(name: string): boolean {
  const pid = Number(TAKEN.exec(name)?.[1] ?? 0);
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return pid === process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Lines without their ends; those without a letter were cut short by a crash, or are not ours. */
function parse(content: Buffer): { raw: Buffer; letter: Letter | undefined }[] {
  const lines: { raw: Buffer; letter: Letter | undefined }[] = [];
  for (let from = 0; from < content.length; ) {
    const end = content.indexOf(10, from);
    const raw = content.subarray(from, end < 0 ? content.length : end);
    if (raw.length > 0) lines.push({ raw, letter: letterOf(raw.toString()) });
    from += raw.length + 1;
  }
  return lines;
}
