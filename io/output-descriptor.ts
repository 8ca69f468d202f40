import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import type { OutputTarget } from './output.ts';

/**
 * An open descriptor, standard output for example, as the target of an `Output`. Pipes and terminals are opened a second time, so that
 * not waiting for their readers stays a matter of ours and not of all processes that share the descriptor.
 */
export function descriptorTarget(descriptor: number): OutputTarget {
  const about = fstatSync(descriptor);
  if (about.isFile()) return fileTarget(descriptor);
  const own = reopen(descriptor);
  // A socket, or a pipe that belongs to another user, cannot be opened again: libuv sets the shared one to not waiting.
  if (own === undefined && (about.isSocket() || about.isFIFO())) doNotWait(descriptor);
  const to = own ?? descriptor;
  const writeNow = (bytes: Buffer): number => writeWithoutWaiting(to, bytes);
  return { write: writeNow, writeNow, close: () => own !== undefined && closeSync(own) };
}

/** A regular file: a disk may take its time, so the write is left to the thread pool. */
function fileTarget(descriptor: number): OutputTarget {
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        write(descriptor, bytes, 0, bytes.length, null, (error, written) => (error ? reject(error) : resolve(written)));
      }),
    writeNow: (bytes) => writeSync(descriptor, bytes),
    close: () => undefined,
  };
}

function writeWithoutWaiting(descriptor: number, bytes: Buffer): number {
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

function reopen(descriptor: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}

/** Node has no call for O_NONBLOCK, but sets it on what it makes a socket of. */
function doNotWait(descriptor: number): void {
  // Not imported above: most agents need no such socket, and the module costs start-up time.
  const { Socket } = process.getBuiltinModule('node:net');
  new Socket({ fd: descriptor, readable: false }).on('error', () => undefined).unref();
}

/** Whether a descriptor is the stream to journald that `JOURNAL_STREAM` tells of (systemd.exec(5)): `device:inode`. */
export function isJournal(descriptor: number, journalStream: string | undefined): boolean {
  if (!journalStream) return false;
  const { dev, ino } = fstatSync(descriptor);
  return journalStream === `${dev}:${ino}`;
}

/** Whether a person looks at the descriptor. */
export function isTerminal(descriptor: number): boolean {
  // A look first: node:tty brings node:net with it, and a daemon has no terminal. Major number 1 is /dev/null and its like.
  const about = fstatSync(descriptor);
  return about.isCharacterDevice() && about.rdev >> 8 !== 1 && process.getBuiltinModule('node:tty').isatty(descriptor);
}
