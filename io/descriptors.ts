import { readdirSync, readFileSync } from 'node:fs';

/** Where the limit cannot be read. */
const ASSUMED_LIMIT = 1024;
const MOST_CONNECTIONS = 10_000;

/** Open descriptors this process may have, files and sockets together. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? ASSUMED_LIMIT : Number(soft);
  } catch {
    return ASSUMED_LIMIT;
  }
}

/** Connections that one listener may hold so that files, sinks and the other listeners can still open descriptors. */
export function connectionLimit(): number {
  const limit = descriptorLimit();
  return Math.max(8, Math.min(MOST_CONNECTIONS, Math.floor(limit / 2) - 24));
}

/** Descriptors that are open now; `undefined` where the system does not tell. */
export function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}
