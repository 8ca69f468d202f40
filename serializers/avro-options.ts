import { integer, string } from '../core/options.ts';
import { AVRO_CODECS } from './avro-codecs.ts';

const LEAST_SYNC_BYTES = 32;
const MOST_SYNC_BYTES = 2 ** 30;

/** Flume reads them when it opens a file, so that a bad value fails each time instead of dropping the sink. */
export const avroOptions = {
  syncIntervalBytes: integer({
    default: 2_048_000,
    min: LEAST_SYNC_BYTES,
    max: MOST_SYNC_BYTES,
    unreadable: 'refuse',
    outside: 'refuse',
    doc: 'Size of a block in bytes, before compression, at which the next one begins; each batch begins one as well.',
  }),
  compressionCodec: string({ default: 'null', doc: `Compression of the blocks: ${AVRO_CODECS.join(', ')}.` }),
};
