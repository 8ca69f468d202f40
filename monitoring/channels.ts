import type { IncomingMessage } from 'node:http';
import { describeError } from '../core/errors.ts';
import { eventJson } from '../core/event-json.ts';
import type { AgentMetrics, ComponentMetrics } from '../core/metrics.ts';
import { json, text, type Answer } from './answers.ts';

/** Events of one answer, unless asked for otherwise, and at most. */
const EVENTS = 10;
const MOST_EVENTS = 1000;
/** Answers that may be in the making at a time: each holds some MB. */
const MOST_AT_A_TIME = 2;

/** Who asks, as far as this end of the connection knows it. */
export interface Asker {
  /** The other end of the connection, from the system. */
  readonly peer: string | undefined;
  readonly headers: IncomingMessage['headers'];
}

/** Whether a path is one of those that only this machine may ask for. */
export function isAboutChannels(target: string): boolean {
  return /^\/channels(?:[/?#]|$)/.test(target);
}

/** Whether the other end of a connection is this machine. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$|^::1$/i.test(address);
}

/**
 * `/channels`, `/channels/NAME` and `/channels/NAME/peek?n=10`: the latter shows events, so that all of them answer this machine only. What
 * counts is the address of the connection. A request that came over a proxy is refused whoever it says it is from, and so is one that was
 * sent to another host name, as a page in a browser can do it.
 */
export class ChannelAnswers {
  readonly #metrics: AgentMetrics;
  #running = 0;

  constructor(metrics: AgentMetrics) {
    this.#metrics = metrics;
  }

  async answer(target: string, asker: Asker): Promise<Answer> {
    const refusal = refusalOf(asker, 'Channels are');
    if (refusal !== undefined) return text(403, refusal);
    const { pathname, searchParams } = new URL(target, 'http://localhost');
    const [, , encoded, what, ...more] = pathname.split('/');
    if (encoded === undefined || encoded === '') return json(200, { channels: this.#channels().map(facts) });
    const name = decoded(encoded);
    const channel = this.#channels().find((each) => each.name === name);
    if (!channel) return json(404, { error: `there is no channel "${name}"`, channels: this.#channels().map((each) => each.name) });
    if (more.length > 0 || (what !== undefined && what !== 'peek')) return text(404, 'There are /channels, /channels/NAME and /channels/NAME/peek?n=10.\n');
    if (this.#running >= MOST_AT_A_TIME) return text(503, 'Others are looking into channels; try again.\n');
    this.#running++;
    try {
      return what === 'peek' ? await this.#peek(channel, searchParams.get('n')) : await this.#stat(channel);
    } catch (error) {
      return json(500, { error: `channel ${name} cannot be looked into: ${describeError(error)}` });
    } finally {
      this.#running--;
    }
  }

  #channels(): readonly ComponentMetrics[] {
    return this.#metrics.components().filter(({ kind }) => kind === 'channel');
  }

  async #stat(channel: ComponentMetrics): Promise<Answer> {
    const store = await this.#metrics.lookInto?.(channel.name)?.stat?.();
    return json(200, { ...facts(channel), counters: Object.fromEntries(channel.counters), ...(store !== undefined && { store }) });
  }

  async #peek(channel: ComponentMetrics, wanted: string | null): Promise<Answer> {
    const max = wanted === null ? EVENTS : /^\d{1,9}$/.test(wanted) ? Number(wanted) : Number.NaN;
    if (!(max >= 1)) return json(400, { error: `n=${wanted} is no number of events from 1 on` });
    const product = this.#metrics.lookInto?.(channel.name);
    if (!product) return json(503, { error: `channel ${channel.name} does not run: ${channel.reason ?? channel.state}` });
    if (!product.peek) return json(501, { error: `channel ${channel.name} (${channel.type}) cannot show its events` });
    const batch = await product.peek(Math.min(max, MOST_EVENTS));
    const events = Array.from({ length: batch.size }, (_, index) => eventJson(batch, index));
    return json(200, { ...facts(channel), events });
  }
}

function facts({ name, type, state, reason, channel }: ComponentMetrics): object {
  return { channel: name, type, state, ...(reason !== undefined && { reason }), ...channel };
}

/** Why somebody is not answered what is for this machine only; `undefined`: they are. */
export function refusalOf({ peer, headers }: Asker, what: string): string | undefined {
  if (!isLoopback(peer)) return `${what} shown to this machine only.\n`;
  if (['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => headers[name] !== undefined)) return `${what} shown to this machine only, not through a proxy.\n`;
  const host = (headers.host ?? '').replace(/:\d+$/, '');
  return host.toLowerCase() === 'localhost' || isLoopback(host.replace(/^\[|\]$/g, '')) ? undefined : `${what} shown under the address of this machine only, 127.0.0.1 or localhost.\n`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
