import { setTimeout as sleep } from 'node:timers/promises';
import type { Interceptor, Selector, Source, SourceContext } from '../../core/component.ts';
import { describeError, isAbort } from '../../core/errors.ts';
import { FairLoop } from '../../io/event-loop.ts';
import type { ChannelHandle } from './channel-handle.ts';
import { Component, type ComponentSpec } from './component.ts';
import { Delivery } from './deliver.ts';
import { tellListeners } from './listeners.ts';
import type { PlannedSource } from '../plan/types.ts';
import type { Surroundings } from './surroundings.ts';

/** How long deliveries that wait may go on once their source is to stop; sinks go on draining meanwhile. */
const DELIVERY_GRACE_MS = 2000;

/** One source of the plan with its interceptors, its selector and its way to its channels. */
export function sourceUnit(
  agent: string,
  plan: PlannedSource,
  channels: ReadonlyMap<string, ChannelHandle>,
  surroundings: Surroundings,
): Component<Source> {
  const name = `${agent}.sources.${plan.name}`;
  const log = surroundings.logger(name);
  const spec: ComponentSpec<Source> = {
    kind: 'source',
    id: plan.name,
    name,
    type: plan.definition.types[0],
    log,
    fatal: surroundings.fatal,
    started: (source) => tellListeners(source.describe?.().endpoints ?? [], log),
    async create(context, signal) {
      await Promise.all(plan.channels.map((channel) => handle(channels, channel).component.running(signal)));
      const delivery = new Delivery({
        ...(await createParts(name, plan, context, surroundings)),
        channels,
        log,
        signal: abortsLater(signal, DELIVERY_GRACE_MS),
        setAside: (batch, reason, details) => surroundings.setAside(name, batch, reason, details),
        count: context.count,
      });
      const sourceContext: SourceContext = {
        ...context,
        batchLimit: delivery.batchLimit,
        deliver: (batch, options) => delivery.deliver(batch, options),
      };
      if (!plan.definition.create) throw new Error(`source type "${spec.type}" is one that Millrace does not have yet`);
      return plan.definition.create(sourceContext, plan.values as never);
    },
    work: async (source, signal) => {
      if (source.poll) await pollUntil(source as PolledSource, signal, plan.backoff, log);
    },
  };
  return new Component(spec);
}

type PolledSource = Source & Required<Pick<Source, 'poll'>>;

/** Flume's rhythm (part 1 §3.5): at once after `more`, after n consecutive `idle` n increments up to the maximum, the maximum after an error. */
async function pollUntil(
  source: PolledSource,
  signal: AbortSignal,
  { incrementMs, maxMs }: PlannedSource['backoff'],
  log: SourceContext['log'],
): Promise<void> {
  let idle = 0;
  const fairLoop = new FairLoop();
  while (!signal.aborted) {
    let pauseMs = 0;
    try {
      idle = (await source.poll(signal)) === 'more' ? 0 : idle + 1;
      pauseMs = Math.min(idle * incrementMs, maxMs);
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      log.warn('source failed; it is asked again', { reason: describeError(error) });
      pauseMs = maxMs;
    }
    if (pauseMs > 0) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    else await fairLoop.makeRoom();
  }
}

async function createParts(
  name: string,
  plan: PlannedSource,
  context: Pick<SourceContext, 'count' | 'fail'>,
  { logger }: Surroundings,
): Promise<{ interceptors: Interceptor[]; selector: Selector }> {
  const interceptors: Interceptor[] = [];
  for (const { name: id, definition, values } of plan.interceptors) {
    const part = `${name}.interceptors.${id}`;
    if (!definition.create) throw new Error(`interceptor type "${definition.types[0]}" is one that Millrace does not have yet`);
    interceptors.push(await definition.create({ name: part, log: logger(part), count: context.count }, values as never));
  }
  const { definition, values } = plan.selector;
  if (!definition.create) throw new Error(`selector type "${definition.types[0]}" is one that Millrace does not have yet`);
  const part = `${name}.selector`;
  const selector = await definition.create({ ...context, name: part, log: logger(part), channels: plan.channels }, values as never);
  return { interceptors, selector };
}

/** A signal that aborts `delayMs` after another one did. */
function abortsLater(signal: AbortSignal, delayMs: number): AbortSignal {
  const later = new AbortController();
  const abort = (): void => void setTimeout(() => later.abort(), delayMs).unref();
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return later.signal;
}

function handle(channels: ReadonlyMap<string, ChannelHandle>, name: string): ChannelHandle {
  const found = channels.get(name);
  if (!found) throw new Error(`channel "${name}" is not part of the agent`);
  return found;
}
