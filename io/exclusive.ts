import { createServer } from 'node:net';
import { AgentError } from '../core/errors.ts';
import { storeFiles } from './store-files.ts';

/**
 * Makes a directory, for the owner only, and claims it until the returned function is called or the process ends, however it ends: the
 * claim is the name of a socket that nobody connects to, which Linux gives to one holder at a time. Throws where it is held already, by
 * this process or another one; whoever runs in a network namespace of its own is not seen.
 */
export async function claimExclusively(directory: string, who: string): Promise<() => Promise<void>> {
  const { device, inode } = await storeFiles.makeDirectory(directory);
  const server = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: `\0millrace-${device}-${inode}` }, resolve);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new AgentError('M165', `${who} cannot use ${directory}: another component, of this agent or another one, works in it; give each a directory of its own`);
  }
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}
