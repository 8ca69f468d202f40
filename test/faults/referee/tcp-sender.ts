import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from './ledger.ts';
import type { Way } from './referee.ts';

const TICK_MS = 5;
/** Pause after an answer other than OK. */
const REFUSED_MS = 50;
const MOST_REFUSALS_KEPT = 100;
const MOST_BYTES_AT_ONCE = 1024 * 1024;

export interface TcpLinesOptions {
  /** Asked before each connection, since a restarted agent may have another. */
  readonly port: number | (() => number | Promise<number>);
  /** Events sent and not answered at a time. */
  readonly window?: number;
}

/** A line for each event, over one connection at a time, each answered with OK once it is stored. What stays unanswered is sent again. */
export class TcpLines implements Way {
  readonly #options: TcpLinesOptions;
  readonly #window: number;
  #unanswered: number[] = [];
  #answered = 0;
  #refusedMs = -Infinity;
  #stopped = false;
  /** Connections that were opened. */
  connections = 0;
  /** Answers other than OK, the first of them. */
  readonly refusals: string[] = [];

  constructor(options: TcpLinesOptions) {
    this.#options = options;
    this.#window = options.window ?? 10_000;
  }

  async run(ledger: Ledger): Promise<void> {
    const { port } = this.#options;
    while (!this.#isDone(ledger)) {
      const to = await Promise.resolve(typeof port === 'number' ? port : port()).catch(() => undefined);
      const socket = connect(to ?? 0, '127.0.0.1').setNoDelay(true);
      socket.on('error', () => undefined);
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      const open = await Promise.race([new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true))), closed.then(() => false)]);
      if (open) {
        this.connections++;
        await Promise.race([this.#feed(socket, ledger), closed]);
      } else {
        await sleep(TICK_MS);
      }
      socket.destroy();
      await closed;
      ledger.sendAgain(this.#unanswered.slice(this.#answered));
      this.#unanswered = [];
      this.#answered = 0;
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #feed(socket: Socket, ledger: Ledger): Promise<void> {
    let rest = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      const answers = (rest + text).split('\n');
      rest = answers.pop() ?? '';
      for (const answer of answers) this.#answer(answer, ledger);
    });
    while (!socket.closed && !this.#isDone(ledger)) {
      const lines = performance.now() - this.#refusedMs < REFUSED_MS || socket.writableLength > MOST_BYTES_AT_ONCE ? undefined : this.#lines(ledger);
      if (lines) socket.write(lines);
      await sleep(TICK_MS);
    }
  }

  /** As many lines as there is room for. */
  #lines(ledger: Ledger): Buffer | undefined {
    const numbers: number[] = [];
    let bytes = 0;
    for (let room = this.#window - this.#unanswered.length + this.#answered; room > 0 && bytes < MOST_BYTES_AT_ONCE; room--) {
      const number = ledger.take();
      if (number === undefined) break;
      numbers.push(number);
      bytes += ledger.bodies.lengthOf(ledger.index, number) + 1;
    }
    if (numbers.length === 0) return undefined;
    const lines = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (const number of numbers) {
      at = ledger.bodies.write(lines, at, ledger.index, number);
      lines[at++] = 10;
      this.#unanswered.push(number);
    }
    return lines;
  }

  #answer(answer: string, ledger: Ledger): void {
    const number = this.#unanswered[this.#answered++];
    if (number === undefined) {
      this.refusals.push(`an answer too many: ${answer}`);
    } else if (answer === 'OK') {
      ledger.acknowledge(number);
    } else {
      if (this.refusals.length < MOST_REFUSALS_KEPT) this.refusals.push(answer);
      ledger.sendAgain([number]);
      this.#refusedMs = performance.now();
    }
    if (this.#answered === this.#unanswered.length || this.#answered > 50_000) {
      this.#unanswered = this.#unanswered.slice(this.#answered);
      this.#answered = 0;
    }
  }

  #isDone(ledger: Ledger): boolean {
    return this.#stopped || (ledger.isDone && this.#answered === this.#unanswered.length);
  }
}
