import { Bodies, type Lengths } from './bodies.ts';
import { Ledger, type Pace } from './ledger.ts';

/** What is compared at the end. All numbers are of events. */
export interface Verdict {
  readonly sent: number;
  readonly acknowledged: number;
  /** Bodies that came out, each as often as it did. */
  readonly delivered: number;
  readonly distinct: number;
  /** Acknowledged, and never seen. */
  readonly lost: number;
  /** Seen more often than it was sent. */
  readonly duplicates: number;
  /** Seen again because the sender got no answer, or a refusal, and sent it again. */
  readonly repeated: number;
  /** With other bytes than those of its number. */
  readonly altered: number;
  /** Never sent, or not of ours at all. */
  readonly invented: number;
  /** First of their number, after a later number of the same sender. */
  readonly outOfOrder: number;
  /** Unfinished bodies at the ends of files, where the writer was killed. */
  readonly torn: number;
  /** The first few of each, in words. */
  readonly examples: readonly string[];
}

const MOST_EXAMPLES = 10;

/** Who sent what, what was acknowledged, what came out. */
export class Account {
  readonly bodies: Bodies;
  readonly ledgers: Ledger[] = [];
  readonly #plainSeen: [number, number] = [0, 0];
  #examples: string[] = [];
  #altered = 0;
  #invented = 0;
  #torn = 0;
  delivered = 0;

  constructor(lengths: Lengths) {
    this.bodies = new Bodies(lengths);
  }

  open(pace: Pace = {}): Ledger {
    const ledger = new Ledger(this.ledgers.length, this.bodies, pace);
    this.ledgers.push(ledger);
    return ledger;
  }

  /** A body came out. */
  see(body: Buffer): void {
    this.delivered++;
    const reading = this.bodies.read(body);
    if (reading.kind === 'plain') {
      this.#plainSeen[reading.length]++;
    } else if (reading.kind === 'altered') {
      this.#altered++;
      this.#example('altered', `${reading.sender}.${reading.number}, now ${shown(body)}`);
    } else if (reading.kind === 'foreign' || !this.ledgers[reading.sender]?.see(reading.number)) {
      this.#invented++;
      this.#example('invented', shown(body));
    }
  }

  /** The end of a file is no whole body. */
  seeTorn(part: Buffer): void {
    this.#torn++;
    if (this.bodies.canBegin(part)) return;
    this.#altered++;
    this.#example('altered', `the torn end ${shown(part)}`);
  }

  /** Everything is going to be seen anew. */
  forgetSeen(): void {
    for (const ledger of this.ledgers) ledger.forgetSeen();
    this.#plainSeen.fill(0);
    this.#examples = [];
    this.#altered = this.#invented = this.#torn = this.delivered = 0;
  }

  /** Events acknowledged that were not seen yet. */
  get missing(): number {
    return this.ledgers.reduce((total, { missing }) => total + missing, this.#plain().lost);
  }

  verdict(): Verdict {
    const sum = (of: (ledger: Ledger) => number): number => this.ledgers.reduce((total, ledger) => total + of(ledger), 0);
    const plain = this.#plain();
    const lost: string[] = [];
    for (const { index, acked, seen } of this.ledgers) {
      for (const number of acked.without(seen)) if (lost.push(`lost: ${index}.${number}`) === MOST_EXAMPLES) break;
    }
    return {
      sent: sum(({ next }) => next),
      acknowledged: sum(({ acknowledged }) => acknowledged),
      delivered: this.delivered,
      distinct: sum(({ seen }) => seen.count) + plain.distinct,
      lost: this.missing,
      duplicates: sum((ledger) => ledger.repeats().duplicates) + plain.duplicates,
      repeated: sum((ledger) => ledger.repeats().repeated),
      altered: this.#altered,
      invented: this.#invented,
      outOfOrder: sum(({ outOfOrder }) => outOfOrder),
      torn: this.#torn,
      examples: [...lost.slice(0, MOST_EXAMPLES), ...this.#examples],
    };
  }

  /** Bodies without a number: fewer than acknowledged are lost, more than sent are duplicates. */
  #plain(): { lost: number; duplicates: number; distinct: number } {
    let lost = 0;
    let distinct = 0;
    let duplicates = 0;
    for (const length of [0, 1] as const) {
      const sent = this.ledgers.reduce((total, { plain }) => total + plain[length].sent, 0);
      const acked = this.ledgers.reduce((total, { plain }) => total + plain[length].acked, 0);
      lost += Math.max(0, acked - this.#plainSeen[length]);
      duplicates += Math.max(0, this.#plainSeen[length] - sent);
      distinct += Math.min(this.#plainSeen[length], this.ledgers.reduce((total, { plain }) => total + plain[length].made, 0));
    }
    return { lost, duplicates, distinct };
  }

  #example(kind: string, text: string): void {
    if (this.#examples.length < MOST_EXAMPLES) this.#examples.push(`${kind}: ${text}`);
  }
}

function shown(bytes: Buffer): string {
  return `${JSON.stringify(bytes.toString('latin1', 0, 60))} (${bytes.length} bytes)`;
}
