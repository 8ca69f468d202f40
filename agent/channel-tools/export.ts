import { join, resolve } from 'node:path';
import { storedEvents, type StoreView } from '../../channels/leveldb/inspect.ts';
import type { Batch } from '../../core/batch.ts';
import { eventJson } from '../../core/event-json.ts';
import { inThousands } from '../../core/printable.ts';
import { fileSystem, writeAll, type OutputFile } from '../../io/file-system.ts';
import { storeFiles } from '../../io/store-files.ts';
import type { Offline } from './offline.ts';
import { size } from './words.ts';

/** A new file is begun behind so many bytes. */
const FILE_BYTES = 256 * 1024 * 1024;
/** EX_CANTCREAT */
const EXIT_CANNOT_CREATE = 73;
const EXIT_DAMAGE = 1;
const LINE_FEED = Buffer.from('\n');

/** Copies all events that are left into new files of a new directory, and leaves the store as it is. */
export async function exportEvents({ args, io, progress }: Offline, view: StoreView): Promise<number> {
  const directory = resolve(args.to ?? '');
  if ((await storeFiles.list(directory)).length > 0) {
    io.err(`Error: ${directory} is not empty; export writes into a new directory\n`);
    return EXIT_CANNOT_CREATE;
  }
  await storeFiles.makeDirectory(directory);
  const files = new ExportFiles(directory, args.format === 'json' ? 'jsonl' : 'txt');
  let events = 0;
  let missing = 0;
  let withLineFeeds = 0;
  try {
    for await (const item of storedEvents(view)) {
      if (item.kind === 'missing') {
        missing += item.to - item.from;
        continue;
      }
      if (args.format === 'text') withLineFeeds += lineFeeds(item.batch);
      await files.write(args.format === 'json' ? jsonOf(item.batch, item.first) : textOf(item.batch));
      events += item.batch.size;
      progress.show(events / Math.max(1, view.left), `${inThousands(events)} of ${inThousands(view.left)} events`);
    }
  } finally {
    await files.close();
    progress.end();
  }
  if (args.json) io.out(`${JSON.stringify({ directory, files: files.count, events, bytes: files.bytes, missing })}\n`);
  else io.out(`${inThousands(events)} events, ${size(files.bytes)}, in ${files.count} ${files.count === 1 ? 'file' : 'files'} of ${directory}; none was taken\n`);
  if (withLineFeeds > 0) io.err(`Warning: ${inThousands(withLineFeeds)} bodies hold line feeds and are several lines now; --format json keeps them apart\n`);
  if (missing > 0) io.err(`Warning: ${inThousands(missing)} events are missing or damaged; millrace channel verify says which\n`);
  return missing > 0 ? EXIT_DAMAGE : 0;
}

/** `events-0001.txt` and so on, never written over. */
class ExportFiles {
  count = 0;
  bytes = 0;
  readonly #directory: string;
  readonly #ending: string;
  #file: OutputFile | undefined;
  #length = 0;

  constructor(directory: string, ending: string) {
    this.#directory = directory;
    this.#ending = ending;
  }

  async write(bytes: Buffer): Promise<void> {
    if (!this.#file || (this.#length > 0 && this.#length + bytes.length > FILE_BYTES)) {
      await this.close();
      const name = `events-${String(++this.count).padStart(4, '0')}.${this.#ending}`;
      this.#file = await fileSystem.create(join(this.#directory, name), 0o600);
      this.#length = 0;
    }
    await writeAll(this.#file, bytes, this.#length);
    this.#length += bytes.length;
    this.bytes += bytes.length;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    try {
      await file?.sync();
    } finally {
      await file?.close();
    }
  }
}

function textOf(batch: Batch): Buffer {
  const parts: Buffer[] = [];
  for (let index = 0; index < batch.size; index++) parts.push(batch.body(index), LINE_FEED);
  return Buffer.concat(parts);
}

function jsonOf(batch: Batch, first: number): Buffer {
  const lines: string[] = [];
  for (let index = 0; index < batch.size; index++) lines.push(`${JSON.stringify(eventJson(batch, index, first + index, Infinity))}\n`);
  return Buffer.from(lines.join(''));
}

function lineFeeds(batch: Batch): number {
  let count = 0;
  for (let index = 0; index < batch.size; index++) if (batch.body(index).includes(10)) count++;
  return count;
}
