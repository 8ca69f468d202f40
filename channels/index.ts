import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';
import { memoryChannel } from './memory.ts';
import { pseudoTxnChannel } from './pseudo-txn.ts';

const all: readonly AnyDefinition<'channel'>[] = [memoryChannel, pseudoTxnChannel];

export const channels = new Registry('channel', all);
