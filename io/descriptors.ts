import { fstatSync, readdirSync, readFileSync } from 'node:fs';

/** Where the limit cannot be read. */
const ASSUMED_LIMIT = 1024;
const MOST_CONNECTIONS = 10_000;
const LEAST_CONNECTIONS = 8;

/** Open descriptors this process may have, files and sockets together. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? ASSUMED_LIMIT : Number(soft);
  } catch {
    return ASSUMED_LIMIT;
  }
}

/** Connections that all listeners together may hold so that files and sinks can still open descriptors. */
export function connectionLimit(): number {
  const limit = descriptorLimit();
  return Math.max(LEAST_CONNECTIONS, Math.min(MOST_CONNECTIONS, Math.floor(limit / 2) - 24));
}

/** What one listener may hold of `connectionLimit`. */
export interface ConnectionShare {
  /** Changes as other listeners come and go. */
  readonly limit: number;
  leave(): void;
}

const listeners = new Set<ConnectionShare>();

/** Takes part in the connections of this process: every listener may hold the same number of them. */
export function shareConnections(): ConnectionShare {
  const all = connectionLimit();
  const share: ConnectionShare = {
    get limit() {
      return Math.max(LEAST_CONNECTIONS, Math.floor(all / Math.max(1, listeners.size)));
    },
    leave: () => void listeners.delete(share),
  };
  listeners.add(share);
  return share;
}

/** Descriptors that are open now; `undefined` where the system does not tell. */
export function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}

/** Descriptors open for writing are looked through again after this time. */
const OUTPUTS_MS = 2000;

/** Answers for a file, by device and inode, whether this process has it open for writing: its log, or the output of a sink. */
export function ownOutputs(now: () => number): (device: bigint, inode: bigint) => boolean {
  let lookedMs = -Infinity;
  let outputs = new Set<string>();
  return (device, inode) => {
    if (now() - lookedMs > OUTPUTS_MS) {
      outputs = filesOpenForWriting();
      lookedMs = now();
    }
    const key = `${device}:${inode}`;
    // The number may have been given to another file since.
    return outputs.has(key) && filesOpenForWriting().has(key);
  };
}

function filesOpenForWriting(): Set<string> {
  const found = new Set<string>();
  for (const name of listDescriptors()) {
    try {
      const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'latin1'))?.[1];
      // The last octal digit holds how it was opened: 1 for writing, 2 for both.
      if (flags === undefined || (Number.parseInt(flags, 8) & 3) === 0) continue;
      const stats = fstatSync(Number(name), { bigint: true });
      if (stats.isFile()) found.add(`${stats.dev}:${stats.ino}`);
    } catch {
      // Closed meanwhile.
    }
  }
  return found;
}

function listDescriptors(): string[] {
  try {
    return readdirSync('/proc/self/fd');
  } catch {
    return [];
  }
}
