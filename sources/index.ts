import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';
import { netcatSource } from './netcat.ts';

const all: readonly AnyDefinition<'source'>[] = [netcatSource];

export const sources = new Registry('source', all);
