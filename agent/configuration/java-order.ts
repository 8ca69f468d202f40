import { hashOrder, javaStringHash } from '../../core/java-values.ts';

/**
 * The order in which Flume on Java 17 walks the keys of a `java.util.Properties` that got them in the given order: it decides which
 * properties `${name}` can see (part 1 §1.3), and which of two keys wins that become equal once they are trimmed. A `Properties` keeps
 * its keys in a `ConcurrentHashMap` made for 8 entries; Flume walks a `HashMap` filled from it.
 */
export function propertiesOrder(keys: Iterable<string>): string[] {
  const table = new ConcurrentTable();
  for (const key of new Set(keys)) table.add(key);
  return hashOrder(table.keys());
}

interface Entry {
  readonly key: string;
  readonly hash: number;
}

class ConcurrentTable {
  #bins: Entry[][] = Array.from({ length: 16 }, () => []);
  #size = 0;

  add(key: string): void {
    const plain = javaStringHash(key);
    const hash = (plain ^ (plain >>> 16)) & 0x7fffffff;
    this.#bins[hash & (this.#bins.length - 1)]?.push({ key, hash });
    this.#size++;
    while (this.#size >= this.#bins.length * 0.75) this.#grow();
  }

  *keys(): Iterable<string> {
    for (const bin of this.#bins) for (const { key } of bin) yield key;
  }

  /** Each bin is split in two. Its last run of entries that stay together keeps its order; those before are put in front, reversed. */
  #grow(): void {
    const size = this.#bins.length;
    const grown: Entry[][] = Array.from({ length: size * 2 }, () => []);
    for (const [index, bin] of this.#bins.entries()) {
      let lastRun = bin.length - 1;
      while (lastRun > 0 && ((bin[lastRun - 1] as Entry).hash & size) === ((bin[lastRun] as Entry).hash & size)) lastRun--;
      const halves: [Entry[], Entry[]] = [[], []];
      for (const [at, entry] of bin.entries()) {
        const half = (entry.hash & size) === 0 ? halves[0] : halves[1];
        if (at >= lastRun) half.push(entry);
      }
      for (const entry of bin.slice(0, Math.max(0, lastRun))) {
        const half = (entry.hash & size) === 0 ? halves[0] : halves[1];
        half.unshift(entry);
      }
      [grown[index], grown[index + size]] = halves;
    }
    this.#bins = grown;
  }
}
