import { describeError } from '../../core/errors.ts';
import { escapeControls, inThousands } from '../../core/printable.ts';
import type { EventJson } from '../../core/event-json.ts';
import { askAgent } from '../../io/ask-agent.ts';
import type { ChannelArguments, CommandIo } from '../command-line/types.ts';
import { bar, duration, eventLine, rows, size } from './words.ts';

const ANSWER_MS = 10_000;
const MOST_ANSWER_BYTES = 32 * 1024 * 1024;
/** EX_UNAVAILABLE: nobody answers there. */
const EXIT_UNAVAILABLE = 69;

interface Facts {
  readonly channel: string;
  readonly type: string;
  readonly state: string;
  readonly reason?: string;
  readonly size: number;
  readonly capacity: number;
  readonly byteLength: number;
  readonly counters?: Readonly<Record<string, number>>;
  /** What the channel says of its files. */
  readonly store?: Readonly<Record<string, unknown>>;
  readonly events?: readonly EventJson[];
}

/** `stat` and `peek` of a running agent, which is asked over its monitoring. */
export async function askRunning(args: ChannelArguments & { readonly url: URL }, io: CommandIo): Promise<number> {
  const { action, target, json, most } = args;
  try {
    const names = target === undefined ? await channelNames(args.url) : [target];
    if (names.length > 1 && action === 'peek') throw new Error(`the agent has several channels: ${names.join(', ')}; say which`);
    for (const name of names) {
      const path = `/channels/${encodeURIComponent(name)}${action === 'peek' ? `/peek?n=${most}` : ''}`;
      const facts = await ask<Facts>(args.url, path);
      if (json) {
        if (action === 'peek') for (const event of facts.events ?? []) io.out(`${JSON.stringify(event)}\n`);
        else io.out(`${JSON.stringify(facts)}\n`);
      } else io.out(action === 'peek' ? (facts.events ?? []).map(eventLine).join('') : channelText(facts));
      if (action === 'peek' && !json) io.err(`${facts.events?.length ?? 0} of ${inThousands(facts.size)} events of channel ${escapeControls(name)}; nothing was taken\n`);
    }
    return 0;
  } catch (error) {
    io.err(`Error: ${escapeControls(describeError(error))}\n`);
    return EXIT_UNAVAILABLE;
  }
}

async function channelNames(url: URL): Promise<readonly string[]> {
  const { channels } = await ask<{ channels: readonly { channel: string }[] }>(url, '/channels');
  if (channels.length === 0) throw new Error('the agent has no channel');
  return channels.map(({ channel }) => channel);
}

async function ask<T>(url: URL, path: string): Promise<T> {
  const at = new URL(path, url);
  let answer: { status: number; body: string };
  try {
    answer = await askAgent('GET', at, ANSWER_MS, MOST_ANSWER_BYTES);
  } catch (error) {
    throw new Error(`no agent answers at ${url.host}: ${describeError(error)}; monitoring is turned on with -Dflume.monitoring.type=http -Dflume.monitoring.port=PORT`, { cause: error });
  }
  const isJson = answer.body.startsWith('{');
  if (answer.status === 200 && isJson) return JSON.parse(answer.body) as T;
  const said = isJson ? (JSON.parse(answer.body) as { error?: string; channels?: readonly string[] }) : undefined;
  const known = said?.channels === undefined ? '' : `; there are ${said.channels.join(', ')}`;
  throw new Error(`${url.host} answers ${answer.status}: ${said?.error ?? answer.body.trim()}${known}`);
}

function channelText(facts: Facts): string {
  const { channel, type, state, reason, size: events, capacity, byteLength, counters = {}, store } = facts;
  const fill = capacity > 0 ? `${inThousands(events)} of ${inThousands(capacity)} (${((100 * events) / capacity).toFixed(1)} %)  [${bar(events / capacity, 24)}]` : inThousands(events);
  const head = `channel ${escapeControls(channel)} (${escapeControls(type)}), ${state}${reason === undefined ? '' : `: ${escapeControls(reason)}`}\n`;
  return `${head}${rows([
    ['events', fill],
    ['bodies', size(byteLength)],
    ['put', counters['EventPutSuccessCount'] === undefined ? undefined : inThousands(counters['EventPutSuccessCount'])],
    ['taken', counters['EventTakeSuccessCount'] === undefined ? undefined : inThousands(counters['EventTakeSuccessCount'])],
    ['lost', counters['EventLostCount'] === undefined ? undefined : inThousands(counters['EventLostCount'])],
    ...Object.entries(store ?? {}).map(([name, value]) => [name, shown(name, value)] as const),
  ])}`;
}

/** A moment with how long ago it was; whatever else is a text or a number as it is. */
function shown(name: string, value: unknown): string | undefined {
  if (name === 'oldest' && typeof value === 'string') return `${duration(Date.now() - Date.parse(value))} ago, ${escapeControls(value)}`;
  if (typeof value === 'number') return /bytes$/i.test(name) ? size(value) : inThousands(value);
  return typeof value === 'string' ? escapeControls(value) : undefined;
}
