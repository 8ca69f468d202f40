import { describeError } from '../../core/errors.ts';
import { wholeFiles } from '../../io/whole-files.ts';
import { StoreError, type FileStore, type Outcome } from './file-store.ts';

const FILE_MODE = 0o644;

/** Files of this machine, for `file:///` paths. */
export const localStore: FileStore = {
  address: 'this machine',
  allowed: (path) => path,
  create: (path, bytes) => told(`creating ${path}`, () => wholeFiles.create(path, bytes, FILE_MODE)),
  append: (path, length, bytes) => told(`adding to ${path}`, () => wholeFiles.append(path, length, bytes)),
  length: (path) => told(`asking for the length of ${path}`, () => wholeFiles.length(path)),
  head: (path, most) => told(`reading ${path}`, () => wholeFiles.head(path, most)),
  async cut(path, length) {
    await told(`cutting ${path} back to ${length} bytes`, () => wholeFiles.cut(path, length));
    return true;
  },
  rename: (from, to) =>
    told(`renaming ${from} to ${to}`, async () => {
      if ((await wholeFiles.length(to)) !== undefined) return (await wholeFiles.length(from)) === undefined;
      await wholeFiles.rename(from, to);
      return true;
    }),
  remove: (path) => told(`removing ${path}`, () => wholeFiles.remove(path)),
  close: () => undefined,
};

async function told<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StoreError(outcomeOf(code), `${what} failed: ${describeError(error)}`, { cause: error });
  }
}

function outcomeOf(code: string | undefined): Outcome {
  if (code === 'ENAMETOOLONG') return 'impossible';
  if (code === 'EEXIST') return 'exists';
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'gone';
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'not stored' : 'unclear';
}
