import type { SinkProcessor } from '../../../../core/component.ts';

/** Members of a group that count what they get and fail when told to. */
export class FakeMembers {
  /** A monotonic clock in milliseconds, moved by the test. */
  nowMs = 0;
  readonly got = new Map<string, number>();
  /** Members that throw. */
  readonly broken = new Set<string>();
  /** Members whose channel has nothing to offer. */
  readonly idle = new Set<string>();
  /** What a member accepts before it throws; without an entry it accepts everything. */
  readonly left = new Map<string, number>();
  /** Every offer, in order. */
  offers: string[] = [];
  readonly #signal = new AbortController().signal;

  readonly offer = async (member: string): Promise<boolean> => {
    this.offers.push(member);
    if (this.broken.has(member)) throw new Error(`${member} is broken`);
    const left = this.left.get(member);
    if (left === 0) throw new Error(`${member} takes no more`);
    if (this.idle.has(member)) return false;
    if (left !== undefined) this.left.set(member, left - 1);
    this.got.set(member, this.count(member) + 1);
    return true;
  };

  readonly now = (): number => this.nowMs;

  count(member: string): number {
    return this.got.get(member) ?? 0;
  }

  /** What each of the members got. */
  counts(...members: string[]): number[] {
    return members.map((member) => this.count(member));
  }

  async run(processor: SinkProcessor, events: number): Promise<void> {
    for (let event = 0; event < events; event++) await processor.process(this.offer, this.#signal);
  }
}
