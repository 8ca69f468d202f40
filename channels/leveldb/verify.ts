import { alteredText, eventsOf, plainCodec } from './record.ts';
import type { FoundDamage } from './segment-scan.ts';
import type { Tail } from './group.ts';
import { walkPatiently, type SegmentView, type StoreView } from './inspect.ts';
import { takeOut } from './recovery.ts';

/** Bytes that are not as they were written. */
export interface Damage {
  readonly segment: SegmentView;
  readonly position: number;
  /** 0: how far it goes is not known. */
  readonly length: number;
  readonly sentence: string;
}

export interface MissingEvents {
  readonly from: number;
  readonly to: number;
  /** Of their bodies. */
  readonly bytes: number;
}

/** Everything that was read and compared with its checksums. */
export interface Verification {
  readonly records: number;
  /** In sound records, those that are done with included. */
  readonly events: number;
  readonly bodyBytes: number;
  /** Of all files. */
  readonly fileBytes: number;
  /** Not done with, and sound: what an agent will deliver. */
  readonly left: number;
  readonly leftBytes: number;
  /** Not done with, and not there or damaged: what is lost. */
  readonly missing: readonly MissingEvents[];
  /** Found where events are missing. */
  readonly damage: readonly Damage[];
  /** Found where none is: in what is done with, in room that was never filled, in the rest of a write that nobody was promised. */
  readonly harmless: readonly Damage[];
}

type Growing = { -readonly [K in keyof Verification]: Verification[K] extends readonly (infer T)[] ? T[] : Verification[K] };

/** Reads every byte of every segment. `progress` is told bytes read and bytes in all. */
export async function verifyStore(view: StoreView, progress: (done: number, all: number) => void = () => undefined): Promise<Verification> {
  const fileBytes = view.segments.reduce((sum, { bytes }) => sum + bytes, 0);
  const found: Growing = { records: 0, events: 0, bodyBytes: 0, fileBytes, left: 0, leftBytes: 0, missing: [], damage: [], harmless: [] };
  for (const { from, to, bytes, faults } of view.gaps) {
    found.missing.push({ from, to, bytes });
    for (const { segment, sentence } of faults) {
      const seen = view.segments.find(({ name }) => name === segment.name);
      // As `recover` words it: path, byte, what is wrong there.
      const [, position = '0', what = sentence] = /, byte (\d+): (.*)$/s.exec(sentence) ?? [];
      if (seen) found.damage.push({ segment: seen, position: Number(position), length: 0, sentence: what });
    }
  }
  let before = 0;
  for (const [index, segment] of view.segments.entries()) {
    const next = view.segments[index + 1];
    const below = next ? { event: next.first, byte: next.firstByte } : { event: view.tail, byte: view.tailByte };
    const start = before;
    await verifySegment(view, segment, below, found, (position) => progress(start + position, fileBytes));
    before += segment.bytes;
    progress(before, fileBytes);
  }
  found.missing.sort((a, b) => a.from - b.from);
  return found;
}

async function verifySegment(view: StoreView, segment: SegmentView, below: Tail, found: Growing, progress: (position: number) => void): Promise<void> {
  const codec = view.parts.codec ?? plainCodec;
  let expected: Tail = { event: segment.first, byte: segment.firstByte };
  let pending: FoundDamage[] = [];
  const upTo = (to: Tail): void => {
    const gap = { from: expected.event, to: to.event, bytes: Math.max(0, to.byte - expected.byte), faults: [] };
    const lost = gap.to > gap.from ? takeOut(gap, view.done) : [];
    found.missing.push(...lost.map(({ from, to: end, bytes }) => ({ from, to: end, bytes })));
    const told = new Set(found.damage.filter((each) => each.segment === segment).map(({ position }) => position));
    for (const { position, length, sentence } of pending) {
      if (!told.has(position)) (lost.length > 0 ? found.damage : found.harmless).push({ segment, position, length, sentence });
    }
    pending = [];
  };
  for await (const item of walkPatiently(view, segment, Buffer.from(view.store, 'hex'))) {
    progress(item.position);
    if (item.kind === 'damage') {
      pending.push(item);
      continue;
    }
    const { first, events, firstByte, bytes } = item.header;
    if (first >= below.event || first < expected.event) continue;
    const batch = eventsOf(item.bytes, item.header, codec);
    if (!batch) {
      pending.push({ kind: 'damage', position: item.position, length: item.header.length, sentence: alteredText(item.header) });
      continue;
    }
    upTo({ event: first, byte: firstByte });
    expected = { event: first + events, byte: firstByte + bytes };
    found.records++;
    found.events += events;
    found.bodyBytes += bytes;
    const open = view.done.open(first, expected.event);
    const left = open.reduce((sum, { from, to }) => sum + to - from, 0);
    found.left += left;
    found.leftBytes += left === events ? bytes : open.reduce((sum, { from, to }) => sum + batch.slice(from - first, to - first).byteLength, 0);
  }
  // What follows the last event of a segment is room that was never filled, or what an earlier life of the file left there.
  if (expected.event < below.event) upTo(below);
}
