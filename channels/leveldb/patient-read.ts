import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreFile } from '../../io/store-files.ts';

const BLOCK_BYTES = 4096;
const TRIES = 3;
const PAUSE_MS = 20;

/**
 * Reads, where the disk has bytes that it cannot read: these are tried again, and then come as zeros, which no checksum takes for what
 * was written. Any other failure is thrown; it may be gone at the next attempt, and proves nothing.
 */
export async function readPatiently(file: StoreFile, position: number, length: number, memory?: Buffer): Promise<Buffer> {
  const whole = await attempt(file, position, length, memory);
  if (whole) return whole;
  const { length: end } = await file.facts();
  const bytes = Buffer.alloc(Math.max(0, Math.min(length, end - position)));
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = await attempt(file, position + at, Math.min(BLOCK_BYTES, bytes.length - at));
    block?.copy(bytes, at);
  }
  return bytes;
}

export function isUnreadable(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EIO';
}

async function attempt(file: StoreFile, position: number, length: number, memory?: Buffer): Promise<Buffer | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await file.read(position, length, memory);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      if (tries === TRIES) return undefined;
      await sleep(PAUSE_MS);
    }
  }
}
