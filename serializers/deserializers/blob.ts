import { Batch } from '../../core/batch.ts';
import { define } from '../../core/define.ts';
import { integer } from '../../core/options.ts';

export const blobDeserializer = define('deserializer', {
  types: ['BLOB', 'org.apache.flume.sink.solr.morphline.BlobDeserializer$Builder'],
  summary: 'Makes one event of a whole file.',
  options: {
    maxBlobLength: integer({
      default: 100_000_000,
      min: 1,
      unreadable: 'refuse',
      outside: 'refuse',
      doc: 'Longest body in bytes, which is held in memory; a longer file becomes several events.',
    }),
  },
  create: (_, { maxBlobLength }) => ({
    open(file, from) {
      let { offset } = from;
      return {
        /** One event at a time, whatever `max`: it may be large. */
        async read() {
          if (offset >= file.size) return undefined;
          const bytes = await file.read(offset, Math.min(maxBlobLength, file.size - offset));
          if (bytes.length === 0) return undefined;
          offset += bytes.length;
          return { batch: Batch.over(bytes, Uint32Array.of(0, bytes.length), 1), next: { offset, done: 0 } };
        },
      };
    },
  }),
});
