/**
 * Spreads permits evenly over time. A request is granted as soon as the one before it has been paid for, however many permits it asks
 * for, and is then paid for itself: the first never waits. Permits that nobody asked for are not saved up.
 */
export class RateLimit {
  readonly #msPerPermit: number;
  #paidUntilMs = -Infinity;

  /** `perSecond` above 0. */
  constructor(perSecond: number) {
    this.#msPerPermit = 1000 / perSecond;
  }

  /** Milliseconds to wait, at the time `nowMs`, before `permits` may be used. */
  request(permits: number, nowMs: number): number {
    const grantedMs = Math.max(nowMs, this.#paidUntilMs);
    this.#paidUntilMs = grantedMs + permits * this.#msPerPermit;
    return grantedMs - nowMs;
  }
}
