import type { Logger } from '../../core/log.ts';
import type { FileFacts, TailHandle } from '../../io/tail-files.ts';
import { beginsWith, commonLines, markAt, START, stillThere, TAIL_BYTES, type Mark } from './marks.ts';
import type { Candidate, Origins } from './origins.ts';
import type { TailFile } from './tail-file.ts';

/** How long a file that may be a copy waits for the other one to be emptied, once it grows no more. */
const COPY_PATIENCE_MS = 5000;
/** How long it waits while it grows beyond what the other one held, or while nothing tells whether it is a copy. */
const LONGEST_WAIT_MS = 30_000;
const LINE_FEED = 10;

/** `wait`: it is not known yet where the file begins. */
export type Beginning = 'known' | 'wait';

/**
 * Decides where to begin with a file that was not read before: at 0, or behind what it has in common with one that was. `patience` ends
 * when neither the file nor the other one changes any more; then it is a file of its own.
 */
export async function findBeginning(file: TailFile, handle: TailHandle, facts: FileFacts, origins: Origins, nowMs: number, log: Logger): Promise<Beginning> {
  const { former } = file;
  if (former && facts.size >= former.position && stillThere(former, handle)) {
    // A file system that told a wrong size for a while: nothing has happened.
    file.beginAt(former);
    file.former = undefined;
    return 'known';
  }
  const candidates = origins.candidates(file, handle, facts.size);
  const quietMs = nowMs - Math.max(Number(facts.modifiedNs / 1_000_000n), file.foundMs);
  for (const candidate of candidates) {
    if (candidate.replaced !== true || candidate.state !== 'ended') continue;
    const mark = await replacement(candidate, handle, facts);
    if (mark.position > 0) return begin(file, mark, candidate, log);
  }
  let waits = false;
  let shorter: Candidate | undefined;
  for (const candidate of candidates.sort((a, b) => b.mark.position - a.mark.position)) {
    const { state } = candidate;
    const common = state === 'unread' ? 'same' : await judge(candidate, handle, facts);
    if (common === 'same' && state === 'ended') {
      // It may be a copy of one that has more in common with it and is not emptied yet, or not known to be.
      if (waits) return 'wait';
      return begin(file, candidate.mark, candidate, log);
    }
    if (common === 'other') continue;
    const tooLate = (common === 'same' || !candidate.handle) && nowMs - file.foundMs > LONGEST_WAIT_MS;
    if (state === 'unsettled' || state === 'unread' || (quietMs < COPY_PATIENCE_MS && !tooLate)) waits = true;
    else if (common === 'shorter' && state === 'ended') shorter = candidate;
  }
  // Whether it took the place of another one tells more.
  if (waits || (candidates.length > 0 && !origins.isWhereItWas(file))) return 'wait';
  if (shorter) log.warn('file begins like one that was read, and is shorter: lines may come twice', { path: file.shownPath, like: shorter.path, size: facts.size, read: shorter.mark.position });
  file.decided = true;
  return 'known';
}

function begin(file: TailFile, mark: Mark, { path }: Candidate, log: Logger): Beginning {
  file.beginAt(mark);
  log.info('file begins with what was read of another one; it is read from there on', { path: file.shownPath, copyOf: path, position: mark.position });
  return 'known';
}

/** What a file has in common with the one whose place it took, as far as that was read. */
async function replacement({ mark, handle: other }: Candidate, handle: TailHandle, facts: FileFacts): Promise<Mark> {
  return other ? commonLines(handle, other, Math.min(facts.size, mark.position)) : START;
}

async function judge({ mark, state, handle: other }: Candidate, handle: TailHandle, facts: FileFacts): Promise<'same' | 'other' | 'shorter'> {
  if (facts.size < mark.position) return other && !sameEnd(handle, other, facts.size) ? 'other' : 'shorter';
  if (state !== 'ended') return stillThere(mark, handle) ? 'same' : 'other';
  return (await beginsWith(handle, mark)) ? 'same' : 'other';
}

/** Whether the last bytes of a file are those of the other one at the same place. */
function sameEnd(handle: TailHandle, other: TailHandle, size: number): boolean {
  const length = Math.min(size, TAIL_BYTES);
  const [a, b] = [Buffer.alloc(length), Buffer.alloc(length)];
  handle.readNow(a, 0, length, size - length);
  other.readNow(b, 0, length, size - length);
  return a.equals(b);
}

/** The mark behind the last line of a file, which may have an unfinished one at its end. */
export function endOfLines(handle: TailHandle, size: number): Mark {
  const buffer = Buffer.allocUnsafe(64 * 1024);
  for (let end = size; end > 0; ) {
    const begin = Math.max(0, end - buffer.length);
    const read = handle.readNow(buffer, 0, end - begin, begin);
    const at = buffer.subarray(0, read).lastIndexOf(LINE_FEED);
    if (at >= 0) return markAt(handle, begin + at + 1) ?? START;
    end = begin;
  }
  return START;
}

/** Whether a line ends just before the position. */
export function isLineStart(handle: TailHandle, position: number): boolean {
  if (position === 0) return true;
  const byte = Buffer.allocUnsafe(1);
  return handle.readNow(byte, 0, 1, position - 1) === 1 && byte[0] === LINE_FEED;
}

const MAGIC: readonly (readonly ['gzip' | 'zstd' | 'other', string])[] = [
  ['gzip', '\x1f\x8b\x08'],
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['other', 'BZh91AY&SY'],
  ['other', '\xfd7zXZ\0'],
];

/** How a file is compressed, by its first bytes; `unknown` while it is too short to tell. */
export function compressionOf(handle: TailHandle, size: number): 'gzip' | 'zstd' | 'other' | 'unknown' | 'none' {
  const bytes = Buffer.allocUnsafe(10);
  const first = bytes.toString('latin1', 0, handle.readNow(bytes, 0, Math.min(10, size), 0));
  for (const [kind, magic] of MAGIC) {
    if (first.startsWith(magic)) return kind;
    if (first !== '' && magic.startsWith(first) && first.length < magic.length && first.charCodeAt(0) !== 0x42) return 'unknown';
  }
  return 'none';
}
