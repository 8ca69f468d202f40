import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { DurableChannel } from '../../../../channels/leveldb/channel.ts';
import { LevelStore } from '../../../../channels/leveldb/level-store.ts';
import type { Channel } from '../../../../core/component.ts';
import { storeFiles } from '../../../../io/store-files.ts';
import { channelConformance, type ChannelLimits } from '../../../conformance/channel.ts';
import { FakeContext } from '../../../conformance/fakes.ts';

const top = mkdtempSync(join(tmpdir(), 'millrace-durable-'));
after(() => rmSync(top, { recursive: true, force: true }));
let count = 0;
const made = new WeakMap<Channel, { directory: string; limits: ChannelLimits }>();

async function open(directory: string, limits: ChannelLimits): Promise<Channel> {
  const settings = {
    dataDirectory: join(directory, 'data'),
    checkpointDirectory: join(directory, 'checkpoint'),
    unusedDirectories: [],
    ...limits,
    requiredBytes: 1024 * 1024,
    reserveBytes: 0,
    syncIntervalMs: 0,
  };
  const channel = new DurableChannel(new FakeContext(), { store: (path) => new LevelStore(path), files: storeFiles, settings });
  await channel.start();
  made.set(channel, { directory, limits });
  return channel;
}

channelConformance('file', {
  create: (limits) => open(join(top, String(count++)), limits),
  reopen: async (channel) => {
    const { directory, limits } = made.get(channel) as { directory: string; limits: ChannelLimits };
    await channel.stop();
    return open(directory, limits);
  },
  modelRuns: 15,
});
