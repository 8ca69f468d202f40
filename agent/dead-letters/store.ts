import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Batch } from '../../core/batch.ts';
import { AgentError, describeError, type RejectionDetail } from '../../core/errors.ts';
import { AppendFile } from '../../io/append-file.ts';
import { letterFiles } from '../../io/letter-files.ts';
import { fingerprint, lineOf } from './letter.ts';
import { beginOf, byAge, isRequest, isSegment, ReplayedTimes } from './segments.ts';
import type { DeadLetterSettings } from './settings.ts';

/** Why an event is neither delivered nor kept. */
export type LossReason = 'Capacity' | 'Age' | 'Size' | 'Disabled';

export interface DeadLetterParts extends DeadLetterSettings {
  /** Called for events that are gone for good, with the component that could not deliver them. */
  lost(component: string, events: number, why: LossReason): void;
  /** Takes secrets out of reasons and replies; events stay as they are. */
  mask(text: string): string;
}

/** Parts of the whole after which a file is full: what goes when room is needed is a file at a time. */
const SEGMENTS = 16;
/** No replay takes longer. */
const REQUEST_MS = 3_600_000;
const PIECE_BYTES = 1024 * 1024;

interface OpenSegment {
  readonly file: AppendFile;
  readonly since: number;
  bytes: number;
}

/**
 * Where events end that can never be delivered: files of one JSON object a line (`letter.ts`), written and synced before the events leave
 * their channel. Each process writes files of its own, so that several agents, and a command that takes letters out meanwhile, may share
 * a folder. What exceeds the limits in bytes and age goes, the oldest file first, and is counted.
 */
export class DeadLetters {
  readonly #parts: DeadLetterParts;
  readonly #open = new Map<string, OpenSegment>();
  readonly #times = new ReplayedTimes();
  #last: Promise<unknown> = Promise.resolve();
  /** Bytes in the folder as far as is known; looked at anew when there seems to be no room. */
  #bytes: number | undefined;

  constructor(parts: DeadLetterParts) {
    this.#parts = parts;
  }

  /** Removes letters that are too old. Never throws. */
  sweep(): Promise<void> {
    return this.#inTurn(() => this.#sweep()).catch(() => undefined);
  }

  /**
   * Resolves once the events are on disk, or counted as lost for want of room. Throws where they cannot be written: then they must stay
   * where they are. `details` are those of the event with the same number, where they say more than `reason`.
   */
  write(component: string, batch: Batch, reason: string, details: readonly (RejectionDetail | undefined)[] = []): Promise<void> {
    return this.#inTurn(async () => {
      const { folder } = this.#parts;
      if (folder === undefined) return this.#parts.lost(component, batch.size, 'Disabled');
      try {
        await this.#write(folder, component, batch, reason, details);
      } catch (error) {
        throw new AgentError('M106', `cannot set ${batch.size} events aside in ${folder}: ${describeError(error)}`, { cause: error });
      }
    });
  }

  /** Ends the files that are being written, so that nothing more comes into those that are there. */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      for (const { file } of this.#open.values()) await file.close();
      this.#open.clear();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #write(folder: string, component: string, batch: Batch, reason: string, details: readonly (RejectionDetail | undefined)[]): Promise<void> {
    const { mostBytes, mask, lost } = this.#parts;
    const times = await this.#times.read(folder);
    const stamp = randomBytes(4).toString('hex');
    const time = new Date().toISOString();
    let piece: Buffer[] = [];
    let bytes = 0;
    let index = 0;
    for (const event of batch) {
      const detail = details[index];
      const line = lineOf({
        id: `${stamp}-${++index}`,
        time,
        component,
        reason: mask(detail?.reason ?? reason),
        ...(detail?.reply !== undefined && { reply: mask(detail.reply) }),
        times: 1 + (times.size > 0 ? (times.get(fingerprint(event)) ?? 0) : 0),
        event,
      });
      if (line.length > mostBytes) {
        lost(component, 1, 'Size');
        continue;
      }
      if (bytes > 0 && bytes + line.length > Math.min(PIECE_BYTES, mostBytes)) {
        await this.#append(folder, component, Buffer.concat(piece, bytes));
        piece = [];
        bytes = 0;
      }
      piece.push(line);
      bytes += line.length;
    }
    if (bytes > 0) await this.#append(folder, component, Buffer.concat(piece, bytes));
  }

  async #append(folder: string, component: string, bytes: Buffer): Promise<void> {
    if ((this.#bytes ?? Infinity) + bytes.length > this.#parts.mostBytes) await this.#sweep(bytes.length);
    // A command may take a file away while it is written to; what is in no file of its name any more is written again.
    for (;;) {
      const segment = await this.#segment(folder, component, bytes.length);
      try {
        await segment.file.append(bytes);
      } catch (error) {
        this.#open.delete(component);
        await segment.file.close().catch(() => undefined);
        throw error;
      }
      segment.bytes += bytes.length;
      if (await segment.file.isInPlace()) break;
      await this.#end(component, segment);
    }
    this.#bytes = (this.#bytes ?? 0) + bytes.length;
  }

  async #segment(folder: string, component: string, room: number): Promise<OpenSegment> {
    const { mostBytes, mostAgeMs } = this.#parts;
    const open = this.#open.get(component);
    const full = open && open.bytes > 0 && open.bytes + room > mostBytes / SEGMENTS;
    if (open && !full && Date.now() - open.since < mostAgeMs / SEGMENTS) return open;
    if (open) await this.#end(component, open);
    const segment = { file: new AppendFile(join(folder, segmentName(component))), since: Date.now(), bytes: 0 };
    this.#open.set(component, segment);
    return segment;
  }

  async #end(component: string, segment: OpenSegment): Promise<void> {
    this.#open.delete(component);
    await segment.file.close();
  }

  /** Removes what is too old, then the oldest until there is room for so many bytes. */
  async #sweep(room = 0): Promise<void> {
    const { folder, mostBytes, mostAgeMs } = this.#parts;
    if (folder === undefined) return;
    const files = (await letterFiles.list(folder)).filter(({ name }) => isSegment(name)).sort(byAge);
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const file of files) {
      // A file is written to for a sixteenth of the age.
      const tooOld = Date.now() - beginOf(file) > mostAgeMs * (1 + 1 / SEGMENTS);
      if (!tooOld && total + room <= mostBytes) break;
      await this.#giveUp(file.path, tooOld ? 'Age' : 'Capacity');
      total -= file.bytes;
    }
    this.#bytes = total;
    await removeOldRequests(folder);
  }

  async #giveUp(path: string, why: LossReason): Promise<void> {
    for (const [component, open] of this.#open) if (open.file.path === path) await this.#end(component, open);
    const content = await letterFiles.read(path).catch(() => Buffer.alloc(0));
    if (!(await letterFiles.remove(path))) return;
    const [component = 'unknown'] = /(?<="component":")[^"]+/.exec(content.toString('latin1', 0, 4096)) ?? [];
    let events = 0;
    for (let at = content.indexOf(10); at >= 0; at = content.indexOf(10, at + 1)) events++;
    if (events > 0) this.#parts.lost(component, events, why);
  }
}

/** Of commands that were interrupted. */
async function removeOldRequests(folder: string): Promise<void> {
  for (const { path, name, changedMs } of await letterFiles.list(folder)) {
    if (isRequest(name) && Date.now() - changedMs > REQUEST_MS) await letterFiles.remove(path);
  }
}

/** Begins with the component and the time, so that a listing shows what there is; never the same twice. */
export function segmentName(component: string): string {
  return `${component.replace(/[^\w.-]/g, '_').slice(0, 120)}-${Date.now()}-${randomBytes(4).toString('hex')}.jsonl`;
}
