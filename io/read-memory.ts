/** Bytes read after which what was read before is given back, where nobody holds it any more. */
const EVERY_BYTES = 4 * 1024 * 1024;

/** Chunks, held or not, above which they are worth a look through all objects: those that waited long are no young ones any more. */
const MANY_BYTES = 64 * 1024 * 1024;
/** Least that is read between two such looks. */
const EVERY_LOOK_BYTES = 32 * 1024 * 1024;

let bytesSince = 0;
let bytesSinceLook = 0;

/**
 * To be told of every chunk that was read into fresh memory. The engine counts its small objects, not the chunks they hold on to, and by
 * itself lets tens of megabytes of used-up chunks gather; each 4 MB of reading it is asked to look through the young objects
 * (0.2 ms). Measured with lines from a socket: 90 MB of peak memory in place of 145 MB, at the same CPU. Does nothing where the launcher's
 * flag `--expose-gc` is missing.
 */
export function chunkWasRead(bytes: number): void {
  bytesSince += bytes;
  if (bytesSince < EVERY_BYTES) return;
  bytesSinceLook += bytesSince;
  bytesSince = 0;
  const all = bytesSinceLook >= EVERY_LOOK_BYTES && memoryOfChunks() > MANY_BYTES;
  if (all) bytesSinceLook = 0;
  globalThis.gc?.({ type: all ? 'major' : 'minor', execution: 'sync' });
}

/** Of what was read ahead from disk and stays until it is taken; by then it counts as old. */
const EVERY_STORED_BYTES = 16 * 1024 * 1024;
/** Used-up chunks that may gather before all objects are looked through. */
const GARBAGE_BYTES = 48 * 1024 * 1024;

let storedSince = 0;
/** Chunks that were in use at the last look through all objects. */
let usedBytes = 0;

/**
 * To be told of what was read ahead. It is taken and let go of within some milliseconds, and the engine copes with that by itself; only
 * where more gathers than GARBAGE_BYTES beyond what is in use is it asked to look through all. Measured with 6 million lines drained into
 * a null sink: 0.9 s of CPU and 84 to 110 MB at the peak, where a look at each 16 MB made that 2.5 s and 102 to 129 MB. Does nothing where
 * the launcher's flag `--expose-gc` is missing.
 */
export function storedBytesWereRead(bytes: number): void {
  storedSince += bytes;
  if (storedSince < EVERY_STORED_BYTES) return;
  storedSince = 0;
  const held = memoryOfChunks();
  if (held < usedBytes + GARBAGE_BYTES) {
    usedBytes = Math.min(usedBytes, held);
    return;
  }
  globalThis.gc?.({ type: 'major', execution: 'sync' });
  usedBytes = memoryOfChunks();
}

/** Files after which the engine is asked to look through all objects. */
const EVERY_FILES = 2000;

let filesSince = 0;

/**
 * To be told of every file that was begun. What is remembered of thousands of files is made of many small objects among many more that
 * are used up at once, and the engine would rather take more memory than look through them. Does nothing without `--expose-gc`.
 */
export function fileWasBegun(): void {
  if (++filesSince < EVERY_FILES) return;
  filesSince = 0;
  globalThis.gc?.({ type: 'major', execution: 'sync' });
}

/** Looks at names after which the engine is asked to look through all objects. */
const EVERY_LOOKS = 100_000;

let looksSince = 0;

/**
 * To be told of every look at a name of a file. Where thousands are looked at each second, the little that each leaves behind gathers, since
 * the engine sees no reason to look through all objects: 180 MB in a minute in place of 120 MB. Does nothing without `--expose-gc`.
 */
export function namesWereLookedAt(count: number): void {
  looksSince += count;
  if (looksSince < EVERY_LOOKS) return;
  looksSince = 0;
  globalThis.gc?.({ type: 'major', execution: 'sync' });
}

/** Bytes that objects hold outside of the heap, used up or not. `process.memoryUsage` asks the system besides, and takes fifty times as long. */
function memoryOfChunks(): number {
  return process.getBuiltinModule('node:v8').getHeapStatistics().external_memory;
}
