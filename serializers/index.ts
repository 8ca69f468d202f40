import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';
import { headerAndTextSerializer } from './header-and-text.ts';
import { textSerializer } from './text.ts';

const all: readonly AnyDefinition<'serializer'>[] = [textSerializer, headerAndTextSerializer];

export const serializers = new Registry('serializer', all);
