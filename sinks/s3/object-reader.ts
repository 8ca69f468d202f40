import { CorruptionError } from '../../core/errors.ts';
import { joinCrc } from './crc-join.ts';
import type { Stage } from './stage.ts';
import type { StagedObject } from './staged-object.ts';

/** Reads an object's bytes from the stage, in order, and compares each piece with its checksum. */
export class ObjectReader {
  readonly #stage: Stage;
  readonly #object: StagedObject;
  #piece = 0;
  #done = 0;
  #crc = 0;
  #filledCrc = 0;

  constructor(stage: Stage, object: StagedObject) {
    this.#stage = stage;
    this.#object = object;
  }

  /** CRC-32 of what the last `fill` gave. */
  get filledCrc(): number {
    return this.#filledCrc;
  }

  /** Fills `into`, less only at the end; answers with how many bytes. */
  async fill(into: Buffer): Promise<number> {
    const { crc32 } = process.getBuiltinModule('node:zlib');
    let at = 0;
    this.#filledCrc = 0;
    while (at < into.length && this.#piece < this.#object.pieces) {
      const { file, position, length, crc } = this.#object.piece(this.#piece);
      const chunk = into.subarray(at, at + Math.min(into.length - at, length - this.#done));
      await this.#stage.read(file, chunk, position + this.#done);
      // Looked at once, for the piece and for what is sent.
      const chunkCrc = crc32(chunk);
      this.#crc = joinCrc(this.#crc, chunkCrc, chunk.length);
      this.#filledCrc = joinCrc(this.#filledCrc, chunkCrc, chunk.length);
      this.#done += chunk.length;
      at += chunk.length;
      if (this.#done < length) continue;
      if (this.#crc !== crc) throw new CorruptionError(`${length} bytes at ${position} of file ${file} of the stage in ${this.#stage.directory} are not what was written there: the disk is damaged`);
      this.#piece++;
      this.#done = 0;
      this.#crc = 0;
    }
    return at;
  }
}
