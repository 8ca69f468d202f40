import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';

const all: readonly AnyDefinition<'interceptor'>[] = [];

export const interceptors = new Registry('interceptor', all);
