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
  const all = bytesSinceLook >= EVERY_LOOK_BYTES && process.memoryUsage().arrayBuffers > MANY_BYTES;
  if (all) bytesSinceLook = 0;
  globalThis.gc?.({ type: all ? 'major' : 'minor', execution: 'sync' });
}

/** The same for what was read ahead from disk and stays until it is taken: by then it counts as old. */
const EVERY_STORED_BYTES = 16 * 1024 * 1024;
/** Read between two looks at most, however long a look takes. */
const MOST_STORED_BYTES = 32 * 1024 * 1024;
/** A look that took 5 ms is followed by at least 100 ms without one. */
const LOOK_SHARE = 1 / 20;

let storedSince = 0;
let nextLookMs = 0;

/**
 * To be told of what was read ahead. What stays for a while outlives the looks at young objects, so that each 16 MB the engine is asked to
 * look through all (some milliseconds where the heap is small). Measured with a backlog drained at 2 M events/s: 209 MB of peak memory in
 * place of 390 MB. Where the heap is larger, as with the SDK of the S3 sink, a look takes 10 to 50 ms: then they come more seldom (that
 * sink then needs 2.0 s of CPU for 1.8 M events in place of 2.8, at the same peak of 140 MB). Does nothing where the launcher's flag `--expose-gc` is missing.
 */
export function storedBytesWereRead(bytes: number): void {
  storedSince += bytes;
  if (storedSince < EVERY_STORED_BYTES) return;
  const began = performance.now();
  if (began < nextLookMs && storedSince < MOST_STORED_BYTES) return;
  storedSince = 0;
  globalThis.gc?.({ type: 'major', execution: 'sync' });
  const ended = performance.now();
  nextLookMs = ended + (ended - began) / LOOK_SHARE;
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
