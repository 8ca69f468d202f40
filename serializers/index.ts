import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';

const all: readonly AnyDefinition<'serializer'>[] = [];

export const serializers = new Registry('serializer', all);
