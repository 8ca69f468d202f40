import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';
import { avroDatumSerializer } from './avro-datum.ts';
import { avroEventSerializer } from './avro-event.ts';
import { headerAndTextSerializer } from './header-and-text.ts';
import { jsonLinesSerializer } from './json-lines.ts';
import { textSerializer } from './text.ts';

const all: readonly AnyDefinition<'serializer'>[] = [
  textSerializer,
  headerAndTextSerializer,
  avroEventSerializer,
  avroDatumSerializer,
  jsonLinesSerializer,
];

export const serializers = new Registry('serializer', all);
