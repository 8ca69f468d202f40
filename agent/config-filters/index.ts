import type { AnyDefinition } from '../../core/define.ts';
import { Registry } from '../../core/registry.ts';

const all: readonly AnyDefinition<'config filter'>[] = [];

export const configFilters = new Registry('config filter', all);
