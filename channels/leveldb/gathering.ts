import { Group } from './group.ts';
import type { RecordCodec } from './record.ts';
import type { Put } from './waiting-puts.ts';

/** Puts that have room and wait for the next write: while one group is written the next one is encoded. */
export class Gathering {
  #filling: Group;
  #other: Group;
  /** Behind those of the group that fills. */
  #behind: Put[] = [];
  #events = 0;

  constructor(codec: RecordCodec) {
    this.#filling = new Group(codec);
    this.#other = new Group(codec);
  }

  get isEmpty(): boolean {
    return this.#filling.isEmpty && this.#behind.length === 0;
  }

  /** Of puts that are waiting, not of the group that was handed out. */
  get events(): number {
    return this.#events;
  }

  add(put: Put): void {
    this.#events += put.batch.size;
    if (this.#behind.length > 0 || !this.#filling.add(put)) this.#behind.push(put);
  }

  /** The group to be written next. It is the caller's until the next call. */
  next(): Group {
    const group = this.#filling;
    this.#filling = this.#other;
    this.#filling.clear();
    this.#other = group;
    this.#events -= group.events;
    return group;
  }

  /** To be called once the group that was handed out is under way: encodes those that wait behind it. */
  refill(): void {
    let count = 0;
    while (count < this.#behind.length && this.#filling.add(this.#behind[count] as Put)) count++;
    if (count > 0) this.#behind = this.#behind.slice(count);
  }

  /** All that wait, which are forgotten. */
  drop(): Put[] {
    const puts = [...this.#filling.puts, ...this.#behind];
    this.#filling.clear();
    this.#behind = [];
    this.#events = 0;
    return puts;
  }
}
