import { watch, type FSWatcher } from 'node:fs';

/** Names of files in one directory of which the system says that they have changed: hints, none of which may be counted on. */
export interface DirectoryHints {
  close(): void;
}

export interface HintReceiver {
  /** Something happened to the file of this name. */
  changed(name: string): void;
  /** Something happened to a name that is not text, or that was not told. */
  changedUnknown(): void;
  /** There will be no more hints. */
  failed(error: Error): void;
}

/** Directories with more names than this are watched without chokidar, which looks at all of them and remembers them. */
const MOST_NAMES_FOR_CHOKIDAR = 1000;

/** Watches one directory, not those below it. `names` is how many files it has, about. */
export async function watchDirectory(path: string, names: number, receiver: HintReceiver): Promise<DirectoryHints> {
  return names > MOST_NAMES_FOR_CHOKIDAR ? watchPlainly(path, receiver) : watchByChokidar(path, receiver);
}

/** Nothing in the directory is looked at by chokidar itself: what the system says of the directory is all that is needed. */
async function watchByChokidar(path: string, receiver: HintReceiver): Promise<DirectoryHints> {
  const { watch: chokidarWatch } = await import('chokidar');
  const watcher = chokidarWatch(path, {
    depth: 0,
    ignoreInitial: true,
    atomic: false,
    ignored: (other: string) => other !== path,
  });
  watcher.on('raw', (_event: string, name: unknown) => tell(typeof name === 'string' ? name : '', receiver));
  watcher.on('error', (error: unknown) => receiver.failed(error instanceof Error ? error : new Error(String(error))));
  return { close: () => void watcher.close() };
}

function watchPlainly(path: string, receiver: HintReceiver): DirectoryHints {
  const watcher: FSWatcher = watch(path, { persistent: false }, (_event, name) => tell(name ?? '', receiver));
  watcher.on('error', (error) => {
    watcher.close();
    receiver.failed(error);
  });
  return { close: () => watcher.close() };
}

function tell(name: string, receiver: HintReceiver): void {
  if (name === '' || name.includes('\ufffd')) receiver.changedUnknown();
  else receiver.changed(name);
}
