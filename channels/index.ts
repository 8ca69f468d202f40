import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';
import { memoryChannel } from './memory.ts';

const all: readonly AnyDefinition<'channel'>[] = [memoryChannel];

export const channels = new Registry('channel', all);
