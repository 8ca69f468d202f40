import type { CommandIo } from './types.ts';

const BAR = 24;
/** So that a line fits into a narrow terminal, where it could not be written over otherwise. */
const MOST_TEXT = 50;
const ESCAPE = '\u001b';
/** A terminal is written over so often at most. */
const EVERY_MS = 80;

/**
 * What a command that takes a while says of it, on standard error: a bar that is written over where that is a terminal, and elsewhere
 * whole lines only.
 */
export class Progress {
  readonly #io: CommandIo;
  #shownMs = -Infinity;
  #open = false;

  constructor(io: CommandIo) {
    this.#io = io;
  }

  /** How far it is, 0 to 1, and a few words; seen on a terminal only. */
  show(fraction: number, text: string): void {
    const now = performance.now();
    if (!this.#io.terminal || (now - this.#shownMs < EVERY_MS && fraction < 1)) return;
    this.#shownMs = now;
    this.#open = true;
    const full = Math.round(Math.min(1, Math.max(0, fraction)) * BAR);
    const bar = `${'#'.repeat(full)}${'.'.repeat(BAR - full)}`;
    const painted = this.#io.colour ? `${ESCAPE}[1;32m${bar.slice(0, full)}${ESCAPE}[0m${bar.slice(full)}` : bar;
    this.#io.err(`\r${ESCAPE}[K[${painted}] ${text.slice(0, MOST_TEXT)}`);
  }

  /** A line that stays where there is no terminal; on one the bar says the same. */
  line(text: string): void {
    if (!this.#io.terminal) this.#io.err(`${text}\n`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#open) this.#io.err(`\r${ESCAPE}[K`);
    this.#open = false;
  }
}
