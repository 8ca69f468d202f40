import type { AnyDefinition } from '../../core/define.ts';
import { Registry } from '../../core/registry.ts';
import { avroDeserializer } from './avro.ts';
import { blobDeserializer } from './blob.ts';
import { lineDeserializer } from './line.ts';

const all: readonly AnyDefinition<'deserializer'>[] = [lineDeserializer, avroDeserializer, blobDeserializer];

export const deserializers = new Registry('deserializer', all);
