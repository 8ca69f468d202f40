/**
 * Faults planted into the durable channel of a process under test: `node --import …/hooks.ts` with `PLANTED=<name>`. Modules of the
 * product are exchanged for ours while they are loaded; the product itself knows nothing of it.
 */

import fs from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { registerHooks, syncBuiltinESMExports } from 'node:module';

/** Ends of the addresses of modules, and what is loaded in their place. */
const EXCHANGED: Readonly<Record<string, string>> = {
  'channels/leveldb/create.ts': new URL('planted-channel.ts', import.meta.url).href,
  'node:zlib': new URL('no-checksum.ts', import.meta.url).href,
};

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const parent = context.parentURL ?? '';
    if (parent.includes('/faults/planted/')) return resolved;
    const [, other] = Object.entries(EXCHANGED).find(([end]) => resolved.url.endsWith(end)) ?? [];
    // Checksums of others than the channel are none of our business.
    const meant = specifier !== 'node:zlib' || (process.env['PLANTED'] === 'no-checksum' && parent.includes('/channels/leveldb/'));
    return other !== undefined && meant ? { ...resolved, url: other, format: 'module-typescript', shortCircuit: true } : resolved;
  },
});

/** So much later than it says the data is on the disk. */
const LATE_MS = 400;

if (process.env['PLANTED'] === 'early-acknowledgement') await answerBeforeTheSync();

/** Every sync of Node's answers at once, and is done later. Those of LevelDB are its own. */
async function answerBeforeTheSync(): Promise<void> {
  await using handle = await open('/dev/null');
  const handles = Object.getPrototypeOf(handle) as FileHandle;
  const { fdatasync } = fs;
  // The file may be closed by then.
  const later = (descriptor: () => number): void => void setTimeout(() => descriptor() >= 0 && fdatasync(descriptor(), () => undefined), LATE_MS);
  handles.datasync = handles.sync = async function answer(this: FileHandle) {
    later(() => this.fd);
  };
  const late = (descriptor: number, done: () => void): void => {
    later(() => descriptor);
    setImmediate(done);
  };
  Object.assign(fs, { fdatasync: late, fsync: late, fdatasyncSync: () => undefined, fsyncSync: () => undefined });
  syncBuiltinESMExports();
}
