import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../core/errors.ts';
import type { ChannelStatus } from '../../core/component.ts';
import type { ComponentMetrics } from '../../core/metrics.ts';
import { escapeControls, inThousands } from '../../core/printable.ts';
import { askAgent } from '../../io/ask-agent.ts';
import { duration, size } from '../channel-tools/words.ts';
import type { CommandIo, StatusArguments } from '../command-line/types.ts';

/** As `systemctl status`: 0 it runs, 3 it does not. In between: parts of it do not. */
const EXIT_DEGRADED = 1;
const EXIT_NOT_RUNNING = 3;
const ANSWER_MS = 10_000;
const GREEN = '32';
const YELLOW = '33';
const RED = '31';

interface Component extends Pick<ComponentMetrics, 'kind' | 'name' | 'type' | 'state' | 'reason'> {
  readonly counters: Readonly<Record<string, number>>;
  readonly channel?: ChannelStatus;
}

/** What `/status` answers. */
interface Status {
  readonly agent: string;
  readonly version: string;
  readonly pid: number;
  readonly now: number;
  readonly since: number;
  readonly memory: number;
  readonly components: readonly Component[];
  readonly recent: readonly string[];
}

/** Events each second by `kind name`; empty where the agent was looked at once. */
type Rates = ReadonlyMap<string, number>;

/** What each kind has done since its start: taken in, stored, delivered. */
const DONE: Readonly<Record<Component['kind'], string>> = { source: 'EventAcceptedCount', channel: 'EventPutSuccessCount', sink: 'EventDrainSuccessCount' };

/** `status`: looks twice, for the rates. Resolves with 0 (all of it runs), 1 (parts do not) or 3 (no agent answers there). */
export async function status(args: StatusArguments, io: CommandIo): Promise<number> {
  try {
    const before = args.betweenMs > 0 ? await ask(args.url) : undefined;
    if (before) await sleep(args.betweenMs);
    const now = await ask(args.url);
    const rates = before ? ratesOf(before, now) : new Map<string, number>();
    io.out(args.json ? `${JSON.stringify({ ...now, rates: Object.fromEntries(rates) })}\n` : pageOf(now, rates, io.colour));
    return runs(now) ? 0 : EXIT_DEGRADED;
  } catch (error) {
    io.err(`Error: ${escapeControls(describeError(error))}\n`);
    return EXIT_NOT_RUNNING;
  }
}

async function ask(url: URL): Promise<Status> {
  let answer: { status: number; body: string };
  try {
    answer = await askAgent('GET', new URL('/status', url), ANSWER_MS);
  } catch (error) {
    throw new Error(`no agent answers at ${url.host}: ${describeError(error)}; monitoring is turned on with -Dflume.monitoring.type=http -Dflume.monitoring.port=PORT`, { cause: error });
  }
  if (answer.status !== 200) throw new Error(`${url.host} answers ${answer.status}: ${answer.body.trim().slice(0, 200)}`);
  return JSON.parse(answer.body) as Status;
}

function ratesOf(before: Status, now: Status): Rates {
  const seconds = Math.max(0.001, (now.now - before.now) / 1000);
  const earlier = new Map(before.components.map((component) => [keyOf(component), done(component)]));
  // Counters begin anew with their component, and with the agent.
  const grown = (component: Component): number => Math.max(0, done(component) - (before.pid === now.pid ? (earlier.get(keyOf(component)) ?? 0) : 0));
  return new Map(now.components.map((component) => [keyOf(component), Math.round(grown(component) / seconds)]));
}

function keyOf({ kind, name }: Component): string {
  return `${kind} ${name}`;
}

function done({ kind, counters }: Component): number {
  return counters[DONE[kind]] ?? 0;
}

function runs({ components }: Status): boolean {
  return components.length > 0 && components.every(({ state }) => state === 'running');
}

function pageOf(now: Status, rates: Rates, colour: boolean): string {
  const inColour = (code: string, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const shade = runs(now) ? GREEN : now.components.some(({ state }) => state === 'failed') ? RED : YELLOW;
  const missing = now.components.filter(({ state }) => state !== 'running').length;
  const active = runs(now) ? 'running' : now.components.length === 0 ? 'without components' : `running without ${missing} of ${now.components.length} components`;
  const head = [
    `${inColour(shade, '●')} ${escapeControls(now.agent)} - Millrace ${escapeControls(now.version)}`,
    `     Active: ${inColour(shade, active)} since ${new Date(now.since).toISOString()}; ${duration(now.now - now.since)} ago`,
    `    Process: ${now.pid}, ${size(now.memory)} of memory`,
    `     Events: ${flowOf(now, rates)}`,
  ];
  const lines = now.recent.length === 0 ? ['No warnings and errors.'] : ['Last warnings and errors:', ...now.recent.map((line) => `  ${escapeControls(line)}`)];
  return `${[...head, '', ...componentLines(now, rates, inColour), '', ...lines].join('\n')}\n`;
}

function flowOf({ components }: Status, rates: Rates): string {
  const total = (kind: Component['kind'], value: (component: Component) => number): number =>
    components.filter((component) => component.kind === kind).reduce((sum, component) => sum + value(component), 0);
  const rate = (component: Component): number => rates.get(keyOf(component)) ?? 0;
  const [waiting, bytes] = [total('channel', ({ channel }) => channel?.size ?? 0), total('channel', ({ channel }) => channel?.byteLength ?? 0)];
  const flow = rates.size === 0 ? '' : `${inThousands(total('source', rate))}/s in, ${inThousands(total('sink', rate))}/s out, `;
  return `${flow}${inThousands(waiting)} waiting${waiting > 0 ? ` (${size(bytes)})` : ''}`;
}

function componentLines({ components }: Status, rates: Rates, inColour: (code: string, text: string) => string): readonly string[] {
  const cells = components.map((component) => {
    const rate = rates.get(keyOf(component));
    const { size: waiting = 0, capacity = 0 } = component.channel ?? {};
    const fill = capacity > 0 ? ` of ${inThousands(capacity)} (${((100 * waiting) / capacity).toFixed(1)} %)` : '';
    const what = component.kind === 'channel' ? `${inThousands(waiting)}${fill} waiting` : `${inThousands(done(component))} events`;
    return [component.kind, escapeControls(component.name), escapeControls(component.type), component.state, rate === undefined ? '' : `${inThousands(rate)}/s`, what] as const;
  });
  const width = (index: number): number => Math.max(0, ...cells.map((row) => (row[index] ?? '').length));
  return cells.map((row, index) => {
    const { state, reason } = components[index] as Component;
    const padded = row.slice(0, -1).map((text, column) => {
      const cell = column === 4 ? text.padStart(width(column)) : text.padEnd(width(column));
      return column === 3 && state !== 'running' ? inColour(state === 'failed' ? RED : YELLOW, cell) : cell;
    });
    return `  ${padded.join('  ')}  ${row.at(-1)}${reason === undefined ? '' : `; ${escapeControls(reason.split('\n')[0] ?? '')}`}`;
  });
}
