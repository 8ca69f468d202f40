import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';
import { memoryChannel } from './memory.ts';
import { pseudoTxnChannel } from './pseudo-txn.ts';
import { fileChannel } from './leveldb/index.ts';
import { jdbcChannel } from './jdbc.ts';
import { spillableMemoryChannel } from './spillable-memory.ts';
import { kafkaChannel } from './kafka/index.ts';

const all: readonly AnyDefinition<'channel'>[] = [
  memoryChannel,
  pseudoTxnChannel,
  fileChannel,
  jdbcChannel,
  spillableMemoryChannel,
  kafkaChannel,
];

export const channels = new Registry('channel', all);
