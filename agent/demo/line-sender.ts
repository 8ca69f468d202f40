import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { lineOf, type Numbers } from './numbered-lines.ts';

const PER_SECOND = 30_000;
/** Lines sent and not answered at a time. */
const MOST_UNANSWERED = 5000;
const TICK_MS = 5;
const OK = 'OK';

/**
 * Sends numbered lines to a netcat source and notes which were answered with OK. A line that was not answered when its connection broke
 * is not sent again, as a real sender would do it: so every duplicate is one that the agent made.
 */
export class LineSender {
  /** Lines 0 up to, and without, this were sent. */
  sent = 0;
  readonly acknowledged: Numbers[] = [];
  /** Answers other than OK. */
  refused = 0;

  get acknowledgedCount(): number {
    return this.acknowledged.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  /** Sends over one connection until it breaks or `signal` aborts. `answered` is called when the first OK has come. */
  async feed(port: number, signal: AbortSignal, answered: () => void): Promise<void> {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    const first = this.sent;
    let answers = 0;
    let rest = '';
    socket.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#note(line, first + answers++);
      if (lines.length > 0) answered();
    });
    const began = performance.now();
    while (!socket.closed && !signal.aborted) {
      const due = ((performance.now() - began) * PER_SECOND) / 1000 - (this.sent - first);
      const room = MOST_UNANSWERED - (this.sent - first - answers);
      const lines: string[] = [];
      for (let left = Math.min(due, room); left >= 1; left--) lines.push(`${lineOf(this.sent++)}\n`);
      if (lines.length > 0) socket.write(lines.join(''));
      await sleep(TICK_MS);
    }
    socket.destroy();
    await closed;
  }

  #note(answer: string, number: number): void {
    if (answer !== OK) {
      this.refused++;
      return;
    }
    const last = this.acknowledged.at(-1);
    if (last?.to === number) this.acknowledged[this.acknowledged.length - 1] = { from: last.from, to: number + 1 };
    else this.acknowledged.push({ from: number, to: number + 1 });
  }
}
