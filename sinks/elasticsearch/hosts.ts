import { describeError, isAbort } from '../../core/errors.ts';
import { Backoff } from '../../io/backoff.ts';
import type { HttpAnswer } from '../../io/http-client.ts';

/** A server that did not answer is left alone for a while, unless there is no other. */
const PAUSE = { firstMs: 1000, mostMs: 30_000 };

interface Host {
  readonly url: URL;
  readonly backoff: Backoff;
  pausedUntilMs: number;
}

/** Several servers of one cluster: in turn, and past those that do not answer. */
export class Hosts {
  readonly #hosts: readonly Host[];
  #next = 0;

  constructor(urls: readonly URL[]) {
    this.#hosts = urls.map((url) => ({ url, backoff: new Backoff(PAUSE), pausedUntilMs: 0 }));
  }

  /**
   * The first answer below 500, each server being asked at most once; the last answer of 500 and above where there is no other. Throws
   * where no server answers, for the last of them.
   */
  async ask(send: (url: URL) => Promise<HttpAnswer>): Promise<{ answer: HttpAnswer; url: URL }> {
    const order = this.#order();
    let last: { answer: HttpAnswer; url: URL } | undefined;
    let failure: Error | undefined;
    for (const host of order) {
      try {
        const answer = await send(host.url);
        if (answer.status < 500) {
          host.backoff.succeeded();
          host.pausedUntilMs = 0;
          return { answer, url: host.url };
        }
        last = { answer, url: host.url };
      } catch (error) {
        if (isAbort(error)) throw error;
        failure = new Error(`${host.url.host} does not answer: ${describeError(error)}`, { cause: error });
      }
      host.pausedUntilMs = performance.now() + host.backoff.nextMs();
    }
    if (last) return last;
    throw failure ?? new Error('there is no server');
  }

  /** From the next one on, those left alone for a while at the end; only the first of these where there is no other. */
  #order(): readonly Host[] {
    const begin = this.#next++ % this.#hosts.length;
    const turned = [...this.#hosts.slice(begin), ...this.#hosts.slice(0, begin)];
    const now = performance.now();
    const ready = turned.filter(({ pausedUntilMs }) => pausedUntilMs <= now);
    if (ready.length > 0) return ready;
    return [...turned].sort((a, b) => a.pausedUntilMs - b.pausedUntilMs).slice(0, 1);
  }
}
