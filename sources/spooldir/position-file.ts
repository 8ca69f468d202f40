import type { FilePosition } from '../../core/component.ts';
import { readBlock, readContainerHead } from '../../protocols/avro-container-reader.ts';
import { AvroReader } from '../../protocols/avro-reader.ts';
import { AvroWriter } from '../../protocols/avro-writer.ts';
import { AvroContainer } from '../../serializers/avro-container.ts';
import type { GrowingFile, SpoolFiles } from '../../io/spool-files.ts';

/**
 * Flume's position file: an Avro container that is only appended to, a block with one record for each position, of which the last one that
 * is whole counts. Its metadata name the file (`file`). Ours adds which file it is (`millrace.identity`: device and number), and, where
 * positions are in the middle of a block of records, a second field of our own:
 *
 *     record = offset [done]      zig-zag longs
 */
const FIELD = '{"name":"offset","type":"long"}';
const NAMED = '"type":"record","name":"TransferStateFileMeta","namespace":"org.apache.flume.serialization"';
const SCHEMA = `{${NAMED},"fields":[${FIELD}]}`;
const SCHEMA_WITH_DONE = `{${NAMED},"fields":[${FIELD},{"name":"done","type":"long"}]}`;

const MOST_BYTES = 64 * 1024 * 1024;
/** Bytes at which the file is begun anew. */
const BEGIN_ANEW_BYTES = 256 * 1024;

/** How far which file was read. */
export interface KnownPosition extends FilePosition {
  /** As it was written: below the directory as the configuration spells it. */
  readonly target: string;
  readonly identity: string | undefined;
  /** What tells whether the file still begins as it did; of a file that was put off. */
  readonly mark: string | undefined;
}

/** `undefined`: there is none, or an empty one. Throws for a file that holds no position. */
export async function readPositionFile(files: SpoolFiles, path: string): Promise<KnownPosition | undefined> {
  const bytes = await files.readSmall(path, MOST_BYTES);
  if (!bytes || bytes.length === 0) return undefined;
  const { metadata, sync, length } = readContainerHead(bytes);
  const target = metadata.get('file')?.toString();
  if (target === undefined) throw new Error('it does not say of which file it is');
  const withDone = metadata.get('avro.schema')?.includes('"done"') ?? false;
  let offset = 0;
  let done = 0;
  for (let at = length; at < bytes.length; ) {
    try {
      const block = readBlock(bytes.subarray(at), sync);
      const reader = new AvroReader(block.data);
      for (let left = block.objects; left > 0; left--) {
        offset = reader.count();
        done = withDone ? reader.count() : 0;
      }
      at += block.length;
    } catch {
      // The last block may have been cut off.
      break;
    }
  }
  return { target, offset, done, identity: metadata.get('millrace.identity')?.toString(), mark: metadata.get('millrace.mark')?.toString() };
}

/** Writes the positions of one file after the other. */
export class PositionFile {
  readonly path: string;
  readonly #files: SpoolFiles;
  #file: GrowingFile | undefined;
  #container = new AvroContainer({});
  #bytes = 0;
  #withDone = false;
  #target = '';
  readonly #record = new AvroWriter(32);
  readonly #writer = new AvroWriter(64);

  constructor(files: SpoolFiles, path: string) {
    this.#files = files;
    this.path = path;
  }

  /** Resolves when the system has it. */
  async store(position: KnownPosition): Promise<void> {
    const { target, done } = position;
    const anew = !this.#file || target !== this.#target || this.#bytes > BEGIN_ANEW_BYTES || (done > 0 && !this.#withDone);
    if (anew) return this.#begin(position);
    const block = this.#block(position);
    try {
      await this.#file?.append(block);
      this.#bytes += block.length;
    } catch (error) {
      // The last block may be cut off: nothing readable could follow it.
      await this.close();
      throw error;
    }
  }

  async remove(): Promise<void> {
    await this.close();
    await this.#files.remove(this.path);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #begin(position: KnownPosition): Promise<void> {
    await this.close();
    const { target, identity, mark, done } = position;
    this.#container = new AvroContainer({});
    this.#withDone = done > 0;
    this.#target = target;
    const metadata = new Map([['file', target]]);
    if (identity !== undefined) metadata.set('millrace.identity', identity);
    if (mark !== undefined) metadata.set('millrace.mark', mark);
    const bytes = Buffer.concat([this.#container.header(this.#withDone ? SCHEMA_WITH_DONE : SCHEMA, metadata), this.#block(position)]);
    this.#file = await this.#files.replace(this.path, bytes);
    this.#bytes = bytes.length;
  }

  #block({ offset, done }: FilePosition): Buffer {
    this.#record.truncate(0);
    this.#record.count(offset);
    if (this.#withDone) this.#record.count(done);
    const writer = this.#writer;
    writer.truncate(0);
    writer.count(1);
    writer.bytes(this.#record.view(0));
    writer.raw(this.#container.sync);
    return writer.view(0);
  }
}
