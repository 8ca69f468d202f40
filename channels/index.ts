import { Registry } from '../core/registry.ts';

/** Every channel type, under the names of its definition. */
export const channels = new Registry('channel', [
  { types: ['memory', 'org.apache.flume.channel.MemoryChannel'], read: async () => (await import('./memory.ts')).memoryChannel },
  { types: ['org.apache.flume.channel.PseudoTxnMemoryChannel'], read: async () => (await import('./pseudo-txn.ts')).pseudoTxnChannel },
  { types: ['file', 'leveldb', 'org.apache.flume.channel.file.FileChannel'], read: async () => (await import('./leveldb/index.ts')).fileChannel },
  { types: ['jdbc', 'org.apache.flume.channel.jdbc.JdbcChannel'], read: async () => (await import('./jdbc.ts')).jdbcChannel },
  { types: ['SPILLABLEMEMORY', 'org.apache.flume.channel.SpillableMemoryChannel'], read: async () => (await import('./spillable-memory.ts')).spillableMemoryChannel },
  { types: ['org.apache.flume.channel.kafka.KafkaChannel'], read: async () => (await import('./kafka/index.ts')).kafkaChannel },
]);
