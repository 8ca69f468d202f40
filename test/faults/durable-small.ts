import { join } from 'node:path';
import { DurableChannel } from '../../channels/leveldb/channel.ts';
import { LevelStore } from '../../channels/leveldb/level-store.ts';
import { storeFiles } from '../../io/store-files.ts';
import { FakeContext } from '../conformance/fakes.ts';

/** A durable channel whose files are so small that it begins and uses up several in a second. */
export function churning(directory: string, capacity: number): { channel: DurableChannel; context: FakeContext } {
  const context = new FakeContext();
  const settings = {
    dataDirectory: join(directory, 'data'),
    checkpointDirectory: join(directory, 'checkpoint'),
    unusedDirectories: [],
    capacity,
    transactionCapacity: 1000,
    keepAliveMs: 20,
    requiredBytes: 0,
    reserveBytes: 0,
    segmentBytes: 64 * 1024,
    readyBytes: 16 * 1024,
    syncIntervalMs: 0,
  };
  return { channel: new DurableChannel(context, { store: (path) => new LevelStore(path), files: storeFiles, settings }), context };
}
