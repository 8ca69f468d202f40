import { join } from 'node:path';
import { CorruptionError } from '../../core/errors.ts';
import type { StoreFiles } from '../../io/store-files.ts';
import { otherFormat } from './other-format.ts';
import { readPatiently } from './patient-read.ts';
import type { RecordHeader } from './record.ts';
import { SegmentScan, type Found } from './segment-scan.ts';
import { decodeSegmentHeader, RECORDS_AT, segmentNumber, type Segment, type SegmentHeader } from './segment.ts';

const PROGRESS_MS = 1000;
const PAGE_BYTES = 1024 * 1024;

export interface FoundFiles {
  /** Identity of the store as the files say it, 16 hex digits; absent where none does. */
  readonly store?: string;
  /** With events, in the order of their first ones. */
  readonly segments: Segment[];
  /** Names of files without events. */
  readonly spares: string[];
  /** Names of files with bytes in which nothing can be recognised. */
  readonly strange: string[];
  readonly nextNumber: number;
  readonly nextGeneration: number;
  readonly remarks: string[];
}

export interface ListOptions {
  readonly files: StoreFiles;
  readonly directory: string;
  /** Identity of the store, where something else than the segments says it. */
  readonly store: string | undefined;
  /** Everything below is done with. */
  readonly head: number;
  /** Told about once a second where it takes longer. */
  readonly progress?: (text: string) => void;
}

/** Looks at the begin of every file, and through those that do not say what they are. Throws CorruptionError where a person has to decide. */
export async function listFiles(options: ListOptions): Promise<FoundFiles> {
  const { files, directory } = options;
  const names = (await files.list(directory)).filter((name) => segmentNumber(name) !== undefined).sort();
  const report = every(PROGRESS_MS, (count: number) => options.progress?.(`${count} of ${names.length} files of events were looked at`));
  const headers = new Map<string, SegmentHeader>();
  const nameless: string[] = [];
  for (const [count, name] of names.entries()) {
    report(count);
    const header = await headerOf(files, join(directory, name));
    if (header) headers.set(name, header);
    else nameless.push(name);
  }
  const found = { segments: [] as Segment[], spares: [] as string[], strange: [] as string[], remarks: [] as string[] };
  const store = identityOf(headers, options.store, directory);
  for (const [name, { generation, first, firstByte }] of headers) found.segments.push({ name, generation, first, firstByte });
  for (const [count, name] of nameless.entries()) {
    report(headers.size + count);
    await examine(options, store, name, found);
  }
  found.segments.sort((a, b) => a.first - b.first || a.generation - b.generation);
  const generations = found.segments.map(({ generation }) => generation);
  return {
    ...found,
    ...(store !== undefined && { store }),
    nextNumber: Math.max(0, ...names.map((name) => segmentNumber(name) ?? 0)) + 1,
    nextGeneration: Math.max(0, ...generations) + 1,
  };
}

/** All that lies in a segment, in order. */
export async function* walk(files: StoreFiles, path: string, identity: Buffer, generation: number | undefined): AsyncGenerator<Found> {
  const file = await files.open(path, 'read');
  try {
    const scan = new SegmentScan(file, { identity, generation });
    for (let found = await scan.next(Infinity); found; found = await scan.next(Infinity)) yield* found;
  } finally {
    await file.close();
  }
}

/** Calls `action` at most once in `ms`, and not before the first `ms` have passed. */
export function every<A extends unknown[]>(ms: number, action: (...args: A) => void): (...args: A) => void {
  let last = performance.now();
  return (...args) => {
    if (performance.now() - last < ms) return;
    last = performance.now();
    action(...args);
  };
}

async function headerOf(files: StoreFiles, path: string): Promise<SegmentHeader | undefined> {
  const file = await files.open(path, 'read');
  try {
    const header = decodeSegmentHeader(await readPatiently(file, 0, RECORDS_AT));
    if (header && 'version' in header) {
      throw otherFormat(path, header.version);
    }
    return header;
  } finally {
    await file.close();
  }
}

function identityOf(headers: ReadonlyMap<string, SegmentHeader>, known: string | undefined, directory: string): string | undefined {
  const stores = new Set([...headers.values()].map(({ store }) => store));
  const [store = known] = stores;
  if (stores.size <= 1 && (known === undefined || store === known)) return store;
  const other = [...headers].find(([, header]) => header.store !== (known ?? store));
  throw new CorruptionError(
    `${join(directory, other?.[0] ?? '')} belongs to store ${other?.[1].store}, and the others, or the guard, to ${known ?? store}: something was swapped; put the right files back, or move the guard away to go on without it`,
  );
}

/** A file that does not begin as a segment does: what records it has tell what it is. */
async function examine({ files, directory, head }: ListOptions, store: string | undefined, name: string, found: Pick<FoundFiles, 'segments' | 'spares' | 'strange' | 'remarks'>): Promise<void> {
  const path = join(directory, name);
  const records: RecordHeader[] = [];
  if (store !== undefined) {
    for await (const item of walk(files, path, Buffer.from(store, 'hex'), undefined)) if (item.header) records.push(item.header);
  }
  const generation = Math.max(...records.map((record) => record.generation));
  const [first] = records.filter((record) => record.generation === generation).sort((a, b) => a.first - b.first);
  if (first) {
    const evidence = records.some((record) => record.first + record.events > head);
    found.segments.push({ name, generation, first: first.first, firstByte: first.firstByte, evidence });
    if (evidence) found.remarks.push(`the begin of ${path} is damaged; its records tell what it is`);
  } else if (await isBlank(files, path)) {
    found.spares.push(name);
  } else {
    found.strange.push(name);
    found.remarks.push(`${path} holds no record that is as it was written`);
  }
}

async function isBlank(files: StoreFiles, path: string): Promise<boolean> {
  const file = await files.open(path, 'read');
  try {
    for (let at = 0; ; at += PAGE_BYTES) {
      const bytes = await readPatiently(file, at, PAGE_BYTES);
      if (bytes.length === 0) return true;
      if (!bytes.equals(Buffer.alloc(bytes.length))) return false;
    }
  } finally {
    await file.close();
  }
}
