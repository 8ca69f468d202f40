import type { AnyDefinition } from '../../core/define.ts';
import { Registry } from '../../core/registry.ts';

const all: readonly AnyDefinition<'selector'>[] = [];

export const selectors = new Registry('selector', all);
