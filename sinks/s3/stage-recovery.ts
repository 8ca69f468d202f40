import { join } from 'node:path';
import type { Context } from '../../core/component.ts';
import { CorruptionError } from '../../core/errors.ts';
import type { LogFile, LogFiles } from '../../io/log-files.ts';
import { decodeHead, FILE_MARK, FRAME_BYTES, frameLengths, type DataHead, type Head, type NoteHead, type StateHead, type UploadFacts } from './frames.ts';
import { StagedObject } from './staged-object.ts';
import { TakenEvents } from './taken-events.ts';

/** Read at once; most heads are much shorter. */
const PAGE_BYTES = 64 * 1024;
const SEARCH_BYTES = 1024 * 1024;
const HEAD_BEGIN = Buffer.from('{"kind":"');

/** A frame and where its data begins. */
interface FoundFrame {
  readonly head: Head;
  readonly dataAt: number;
  readonly dataBytes: number;
}

interface ScannedFile {
  readonly number: number;
  readonly file: LogFile;
  readonly state: StateHead | undefined;
  readonly frames: readonly (FoundFrame & { readonly head: DataHead | NoteHead })[];
  /** Behind the last frame that is whole. */
  readonly end: number;
  /** Before it, what is no frame. */
  readonly gaps: readonly (readonly [from: number, to: number])[];
}

/** Reads the heads of a file; what is damaged between frames that are whole is passed over. */
async function scanFile(number: number, file: LogFile): Promise<ScannedFile> {
  const mark = Buffer.alloc(FILE_MARK.length);
  await file.read(mark, 0);
  let state: StateHead | undefined;
  const frames: (FoundFrame & { head: DataHead | NoteHead })[] = [];
  const gaps: [number, number][] = [];
  let end = 0;
  if (mark.equals(FILE_MARK)) {
    end = FILE_MARK.length;
    for (let at: number | undefined = end; at !== undefined; ) {
      const found = await frameAt(file, at);
      if (!found) {
        at = await nextFrame(file, at + 1);
        if (at !== undefined) gaps.push([end, at]);
        continue;
      }
      const { head } = found;
      if (head.kind === 'state') state ??= head;
      else frames.push({ ...found, head });
      at = end = found.dataAt + found.dataBytes;
    }
  }
  return { number, file, state, frames, end, gaps };
}

/** Where the next frame that is whole begins. Heads begin alike. */
async function nextFrame(file: LogFile, from: number): Promise<number | undefined> {
  const chunk = Buffer.alloc(SEARCH_BYTES);
  for (let at = from; at < file.size; at += SEARCH_BYTES - HEAD_BEGIN.length + 1) {
    const bytes = chunk.subarray(0, await file.read(chunk, at));
    for (let found = bytes.indexOf(HEAD_BEGIN); found >= 0; found = bytes.indexOf(HEAD_BEGIN, found + 1)) {
      const begin = at + found - FRAME_BYTES;
      if (begin >= from && (await frameAt(file, begin))) return begin;
    }
  }
  return undefined;
}

async function frameAt(file: LogFile, at: number): Promise<FoundFrame | undefined> {
  if (at + FRAME_BYTES > file.size) return undefined;
  let page = Buffer.alloc(Math.min(PAGE_BYTES, file.size - at));
  page = page.subarray(0, await file.read(page, at));
  const lengths = frameLengths(page);
  if (!lengths || at + FRAME_BYTES + lengths.head + lengths.data > file.size) return undefined;
  let text = page.subarray(FRAME_BYTES, FRAME_BYTES + lengths.head);
  if (text.length < lengths.head) {
    text = Buffer.alloc(lengths.head);
    await file.read(text, at + FRAME_BYTES);
  }
  const head = decodeHead(text, lengths.crc);
  return head && { head, dataAt: at + FRAME_BYTES + lengths.head, dataBytes: lengths.data };
}

/** Whether the pieces of a frame are what was written: asked of the last one, which a power cut may have torn. */
async function isWhole(file: LogFile, { head, dataAt }: FoundFrame): Promise<boolean> {
  if (head.kind !== 'data') return true;
  const { crc32 } = process.getBuiltinModule('node:zlib');
  let at = dataAt;
  for (const [, , length, crc] of head.pieces) {
    const bytes = Buffer.alloc(length);
    if ((await file.read(bytes, at)) < length || crc32(bytes) !== crc) return false;
    at += length;
  }
  return true;
}

/** What earlier runs left. */
export interface Recovered {
  readonly stage: string;
  readonly nextObject: number;
  readonly nextFile: number;
  readonly objects: ReadonlyMap<number, StagedObject>;
  readonly uploads: Map<string, UploadFacts>;
  readonly taken: TakenEvents;
  readonly finished: readonly number[];
  readonly files: readonly { readonly number: number; readonly file: LogFile; readonly end: number }[];
}

/** Opens the files of a stage. The youngest says what became of the objects; pieces are found in all. */
export async function recoverStage(context: Pick<Context, 'log'>, files: LogFiles, directory: string): Promise<Recovered> {
  const numbers = (await files.list(directory)).flatMap((name) => /^stage-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  numbers.sort((a, b) => a - b);
  const scanned: ScannedFile[] = [];
  try {
    for (const number of numbers) scanned.push(await scanFile(number, await files.open(join(directory, `stage-${number}`))));
    return await recoverFrom(context, files, numbers, scanned);
  } catch (error) {
    for (const { file } of scanned) await file.close().catch(() => undefined);
    throw error;
  }
}

async function recoverFrom(context: Pick<Context, 'log'>, files: LogFiles, numbers: readonly number[], scanned: readonly ScannedFile[]): Promise<Recovered> {
  const youngest = scanned.findLast(({ state }) => state !== undefined);
  const state = youngest?.state ?? emptyState();
  const kept = await keptFiles(context, files, scanned, youngest, state);
  const objects = new Map(state.objects.map((facts) => [facts.id, new StagedObject(facts)]));
  const uploads = new Map(state.uploads.map((facts) => [facts.uploadId, facts]));
  const taken = TakenEvents.from(state.taken);
  const finished = new Set(state.finished);
  let nextObject = state.nextObject;
  for (const { head } of kept.at(-1)?.frames ?? []) {
    if (head.kind === 'note') applyNote(head, objects, uploads, finished);
    else {
      for (const facts of head.objects) objects.set(facts.id, new StagedObject(facts));
      for (const { id } of head.objects) nextObject = Math.max(nextObject, id + 1);
      if (head.origin) taken.add(head.origin);
    }
  }
  for (const id of finished) objects.delete(id);
  for (const file of kept) addPieces(file, objects);
  for (const [id, object] of objects) if (object.bytes === 0) objects.delete(id);
  const nextFile = (numbers.at(-1) ?? 0) + 1;
  return { stage: state.stage, nextObject, nextFile, objects, uploads, taken, finished: [...finished], files: kept };
}

/** The files that count, each cut to what does; says what is missing from them. */
async function keptFiles(
  context: Pick<Context, 'log'>,
  files: LogFiles,
  scanned: readonly ScannedFile[],
  youngest: ScannedFile | undefined,
  state: StateHead,
): Promise<ScannedFile[]> {
  const kept: ScannedFile[] = [];
  for (const scan of scanned) {
    if (scan === youngest) {
      reportGaps(context, scan, scan.end);
      const last = scan.frames.at(-1);
      const torn = last !== undefined && !(await isWhole(scan.file, last));
      kept.push(torn ? { ...scan, frames: scan.frames.slice(0, -1), end: last.dataAt } : scan);
      continue;
    }
    const end = state.ends[scan.number];
    if (end === undefined) {
      if ((youngest === undefined || scan.number > youngest.number) && !(await wasBeingMade(scan.file))) throw damagedError(scan.file);
      await scan.file.close();
      await files.remove(scan.file.path);
      continue;
    }
    reportGaps(context, scan, end);
    kept.push({ ...scan, frames: scan.frames.filter(({ dataAt, dataBytes }) => dataAt + dataBytes <= end), end: Math.min(scan.end, end) });
  }
  return kept;
}

/** What is damaged before `end`: a power cut tears the end of a file only. */
function reportGaps(context: Pick<Context, 'log'>, { file, end: found, gaps }: ScannedFile, end: number): void {
  for (const [from, to] of found < end ? [...gaps, [found, end] as const] : gaps) {
    if (from >= end) continue;
    context.log.error('a part of a file of the stage is damaged; events in it that were not uploaded are lost', { path: file.path, fromByte: from, bytes: Math.min(to, end) - from });
  }
}

/** Whether a file without a state was begun and holds no event yet: events come behind a state that is on the disk. */
async function wasBeingMade(file: LogFile): Promise<boolean> {
  const bytes = Buffer.alloc(Math.min(file.size, PAGE_BYTES));
  await file.read(bytes, 0);
  if (bytes.every((byte) => byte === 0)) return true;
  if (!bytes.subarray(0, FILE_MARK.length).equals(FILE_MARK.subarray(0, bytes.length))) return false;
  const lengths = frameLengths(bytes.subarray(FILE_MARK.length));
  return !lengths || file.size <= FILE_MARK.length + FRAME_BYTES + lengths.head;
}

function damagedError(file: LogFile): CorruptionError {
  return new CorruptionError(`${file.path} is damaged at its beginning, and events may be in it: repair the disk, or move the file away to go on without them`);
}

function applyNote(note: NoteHead, objects: Map<number, StagedObject>, uploads: Map<string, UploadFacts>, finished: Set<number>): void {
  if ('begun' in note) uploads.set(note.begun.uploadId, note.begun);
  else if ('ended' in note) uploads.delete(note.ended);
  else if ('renamed' in note) objects.get(note.renamed)?.rename(note.key);
  else finished.add(note.finished);
}

function addPieces({ number, frames }: ScannedFile, objects: ReadonlyMap<number, StagedObject>): void {
  for (const { head, dataAt } of frames) {
    if (head.kind !== 'data') continue;
    let at = dataAt;
    for (const [id, events, length, crc, objectCrc] of head.pieces) {
      objects.get(id)?.add(number, at, length, crc, objectCrc, events);
      at += length;
    }
  }
}

function emptyState(): StateHead {
  const stage = process.getBuiltinModule('node:crypto').randomBytes(4).toString('hex');
  return { kind: 'state', stage, nextObject: 1, objects: [], uploads: [], taken: {}, finished: [], ends: {} };
}
