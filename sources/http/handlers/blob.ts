import { Batch } from '../../../core/batch.ts';
import { define } from '../../../core/define.ts';
import { integer } from '../../../core/options.ts';

export const blobHandler = define('http handler', {
  types: ['org.apache.flume.sink.solr.morphline.BlobHandler'],
  summary: 'Makes one event of the body of a request; its headers are the parameters and the content type.',
  options: {
    maxBlobLength: integer({ default: 100_000_000, min: 1, doc: 'Longest body in bytes; the rest is cut off, which is counted and said.' }),
  },
  create: (context, { maxBlobLength }) => ({
    handle({ body, parameters, contentType }) {
      if (body.length > maxBlobLength) {
        context.count('EventCutCount', 1);
        context.log.warn('body of a request cut off: it is longer than maxBlobLength', { bytes: body.length, maxBlobLength });
      }
      const headers = new Map(parameters);
      if (contentType !== undefined) headers.set('Content-Type', contentType);
      return Batch.of([{ body: body.subarray(0, maxBlobLength), headers }]);
    },
  }),
});
