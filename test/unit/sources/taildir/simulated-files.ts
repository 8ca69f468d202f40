/** Files that exist in memory only, with inodes, links, times of a clock that a test moves, and hints that come or do not. */

import type { FileFacts, FilePath, TailFiles, TailHandle } from '../../../../io/tail-files.ts';
import type { FileOperations } from '../../../faults/file-operations.ts';
import type { DirectoryHints, HintReceiver } from '../../../../io/directory-hints.ts';

interface Inode {
  readonly number: bigint;
  readonly bornNs: bigint;
  content: Buffer;
  links: number;
  opens: number;
  modifiedNs: bigint;
  changedNs: bigint;
}

/** The clock that files get their times from moves in steps. */
const TICK_MS = 4;

export class SimulatedFiles implements FileOperations {
  readonly #names = new Map<string, Inode>();
  readonly #directories = new Map<string, bigint>();
  readonly #receivers = new Map<string, HintReceiver>();
  readonly #freed: bigint[] = [];
  readonly #reuses: boolean;
  #next = 100n;
  nowMs = 1_700_000_000_000;
  /** Called before each call of the source: what other programs do meanwhile. */
  meanwhile: () => void = () => undefined;

  /** `reuses`: a number that was freed is given to the next file, as ext4 does. */
  constructor(reuses: boolean, directories: readonly string[]) {
    this.#reuses = reuses;
    for (const path of directories) this.#directories.set(path, 1n);
  }

  get #nowNs(): bigint {
    return BigInt(Math.floor(this.nowMs / TICK_MS) * TICK_MS) * 1_000_000n;
  }

  append(path: string, text: string): void {
    const inode = this.#names.get(path) ?? this.#make(path);
    if (text === '') return;
    inode.content = Buffer.concat([inode.content, Buffer.from(text, 'latin1')]);
    this.#modified(inode, path);
  }

  truncate(path: string, size: number): void {
    const inode = this.#names.get(path) ?? this.#make(path);
    inode.content = Buffer.concat([inode.content.subarray(0, size), Buffer.alloc(Math.max(0, size - inode.content.length))]);
    this.#modified(inode, path);
  }

  rename(from: string, to: string): void {
    const inode = this.#must(from);
    if (this.#names.get(to) === inode) return;
    if (this.#names.has(to)) this.#unlink(to);
    this.#names.delete(from);
    this.#names.set(to, inode);
    inode.changedNs = this.#nowNs;
    this.#changed(from);
    this.#changed(to);
  }

  link(from: string, to: string): void {
    const inode = this.#must(from);
    if (this.#names.has(to)) throw new Error(`${to} is there`);
    this.#names.set(to, inode);
    inode.links++;
    inode.changedNs = this.#nowNs;
    this.#changed(to);
  }

  remove(path: string): void {
    this.#must(path);
    this.#unlink(path);
    this.#changed(path);
  }

  read(path: string): string {
    return this.#must(path).content.toString('latin1');
  }

  exists(path: string): boolean {
    return this.#names.has(path);
  }

  /** Hints of a directory, told a moment after the change. */
  watch(path: string, receiver: HintReceiver): Promise<DirectoryHints> {
    this.#receivers.set(path, receiver);
    return Promise.resolve({ close: () => void this.#receivers.delete(path) });
  }

  /** What the source sees. */
  readonly tails: TailFiles = {
    look: (path) => this.#look(path),
    glance: (path) => {
      const facts = this.#look(path);
      return facts && { device: Number(facts.device), inode: Number(facts.inode), size: facts.size, modifiedMs: Number(facts.modifiedNs) / 1e6 };
    },
    open: (path) => this.#open(String(path)),
    list: (directory) => this.#list(directory),
    realDirectory: (directory) => directory,
  };

  #look(path: FilePath): FileFacts | undefined {
    this.meanwhile();
    const inode = this.#names.get(String(path));
    if (inode) return factsOf(inode);
    const modifiedNs = this.#directories.get(String(path));
    return modifiedNs === undefined ? undefined : { device: 1n, inode: 2n, bornNs: 1n, changedNs: 0n, modifiedNs, size: 0, links: 2, owner: 0, isFile: false };
  }

  #open(path: string): TailHandle {
    this.meanwhile();
    const inode = this.#names.get(path);
    if (!inode) throw Object.assign(new Error(`ENOENT ${path}`), { code: 'ENOENT' });
    inode.opens++;
    const readNow = (into: Buffer, offset: number, length: number, position: number): number => {
      this.meanwhile();
      return position >= inode.content.length ? 0 : inode.content.copy(into, offset, position, Math.min(inode.content.length, position + length));
    };
    return {
      facts: () => {
        this.meanwhile();
        return factsOf(inode);
      },
      readNow,
      read: async (into, offset, length, position) => readNow(into, offset, length, position),
      path: () => [...this.#names].find(([, other]) => other === inode)?.[0],
      close: () => {
        inode.opens--;
        this.#free(inode);
      },
    };
  }

  async *#list(directory: string): AsyncGenerator<readonly string[]> {
    const names = [...this.#names.keys()].filter((path) => path.startsWith(`${directory}/`)).map((path) => path.slice(directory.length + 1));
    for (const name of names) {
      this.meanwhile();
      yield [name];
    }
  }

  #must(path: string): Inode {
    const inode = this.#names.get(path);
    if (!inode) throw new Error(`no file ${path}`);
    return inode;
  }

  #make(path: string): Inode {
    const now = this.#nowNs;
    const number = (this.#reuses ? this.#freed.pop() : undefined) ?? this.#next++;
    const inode: Inode = { number, bornNs: now, content: Buffer.alloc(0), links: 1, opens: 0, modifiedNs: now, changedNs: now };
    this.#names.set(path, inode);
    this.#changed(path);
    return inode;
  }

  #unlink(path: string): void {
    const inode = this.#must(path);
    this.#names.delete(path);
    inode.links--;
    inode.changedNs = this.#nowNs;
    this.#free(inode);
  }

  #free({ links, opens, number }: Inode): void {
    if (links === 0 && opens === 0) this.#freed.push(number);
  }

  #modified(inode: Inode, path: string): void {
    inode.modifiedNs = this.#nowNs;
    inode.changedNs = inode.modifiedNs;
    this.#hint(path);
  }

  /** The directory has other names in it. */
  #changed(path: string): void {
    const directory = path.slice(0, path.lastIndexOf('/'));
    this.#directories.set(directory, this.#nowNs);
    this.#hint(path);
  }

  #hint(path: string): void {
    const slash = path.lastIndexOf('/');
    this.#receivers.get(path.slice(0, slash))?.changed(path.slice(slash + 1));
  }
}

function factsOf({ number, bornNs, content, links, modifiedNs, changedNs }: Inode): FileFacts {
  return { device: 1n, inode: number, bornNs, changedNs, modifiedNs, size: content.length, links, owner: 0, isFile: true };
}
