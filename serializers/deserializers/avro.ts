import { define } from '../../core/define.ts';
import { choice } from '../../core/options.ts';

export const avroDeserializer = define('deserializer', {
  types: ['AVRO', 'org.apache.flume.serialization.AvroEventDeserializer$Builder'],
  summary: 'Makes an event of each record of an Avro container file; the body is the record, without its schema.',
  options: {
    schemaType: choice({
      values: ['HASH', 'LITERAL'],
      default: 'HASH',
      otherwise: 'refuse',
      doc: 'Put the fingerprint of the schema into the header flume.avro.schema.hash, or the schema itself into flume.avro.schema.literal.',
    }),
  },
  create: async (_, { schemaType }) => {
    const { openAvroFile } = await import('./avro-records.ts');
    return { open: (file, from) => openAvroFile(file, from, schemaType) };
  },
});
