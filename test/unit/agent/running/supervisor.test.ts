import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentPlan, PlannedComponent, PlannedGroup, PlannedSink, PlannedSource } from '../../../../agent/plan/types.ts';
import { Supervisor } from '../../../../agent/running/supervisor.ts';
import { memoryChannel } from '../../../../channels/memory.ts';
import type { Batch } from '../../../../core/batch.ts';
import type { Kind, SourceContext } from '../../../../core/component.ts';
import { define, type AnyDefinition } from '../../../../core/define.ts';
import { until } from '../../../servers/daemon.ts';
import { batchOf, bodiesOf, fakeLog } from '../fakes.ts';

/** Everything that happened, in order, and the hands to make more happen. */
class World {
  readonly events: string[] = [];
  readonly written: string[] = [];
  readonly aside: string[] = [];
  readonly log = fakeLog();
  readonly sources = new Map<string, SourceContext>();
  sinkWorks = true;
  readonly supervisor = new Supervisor('a1', {
    logger: () => this.log,
    setAside: async (_component, batch) => void this.aside.push(...bodiesOf(batch)),
    fatal: (error) => void this.events.push(`fatal ${error.message}`),
  });

  readonly source = define('source', {
    types: ['fake'],
    summary: 'A source in the hands of a test.',
    options: {},
    create: (context) => {
      this.sources.set(context.name, context);
      return this.#told(context.name);
    },
  });

  readonly sink = define('sink', {
    types: ['fake'],
    summary: 'A sink in the hands of a test.',
    options: {},
    create: (context) => ({
      ...this.#told(context.name),
      batchSize: 10,
      write: async (batch: Batch) => {
        if (!this.sinkWorks) throw new Error('target down');
        this.written.push(...bodiesOf(batch));
      },
    }),
  });

  readonly selector = define('selector', {
    types: ['all'],
    summary: 'Everything to all.',
    options: {},
    create: ({ channels }) => ({ route: (batch) => channels.map((channel) => ({ channel, batch, optional: false })) }),
  });

  #told(name: string) {
    const id = name.split('.').at(-1);
    return {
      start: async () => void this.events.push(`+${id}`),
      stop: async () => void this.events.push(`-${id}`),
    };
  }
}

function part<K extends Kind>(name: string, definition: unknown, values: Record<string, unknown> = {}): PlannedComponent<K> {
  return { name, definition: definition as AnyDefinition<K>, values, canonical: JSON.stringify(values) };
}

interface Shape {
  readonly capacity?: number;
  readonly sinkValues?: Record<string, unknown>;
  readonly sourceValues?: Record<string, unknown>;
  readonly channels?: readonly string[];
  readonly sinkChannel?: string;
  readonly groups?: readonly PlannedGroup[];
}

function plan(world: World, shape: Shape = {}): AgentPlan {
  const channels = shape.channels ?? ['c1'];
  const memory = { capacity: shape.capacity ?? 100, transactionCapacity: 10, 'keep-alive': 0, byteCapacity: 0, byteCapacityBufferPercentage: 20 };
  const source: PlannedSource = {
    ...part<'source'>('r1', world.source, shape.sourceValues),
    channels,
    selector: { definition: world.selector, values: {} },
    interceptors: [],
    backoff: { incrementMs: 1, maxMs: 1 },
  };
  const sink: PlannedSink = { ...part<'sink'>('k1', world.sink, shape.sinkValues), channel: shape.sinkChannel ?? 'c1' };
  return {
    name: 'a1',
    sources: [source],
    channels: channels.map((name) => part<'channel'>(name, memoryChannel, memory)),
    sinks: [sink],
    groups: shape.groups ?? [],
    verdict: 'ok',
    dropped: [],
  };
}

function deliver(world: World, ...bodies: string[]): Promise<void> {
  const context = world.sources.get('a1.sources.r1');
  assert.ok(context);
  return context.deliver(batchOf(...bodies), { wait: true });
}

test('C3.1 sinks start before sources, and what a source delivers is written', async () => {
  const world = new World();
  await world.supervisor.apply(plan(world));
  await deliver(world, '1', '2');
  await until('both events', () => world.written.length === 2 || undefined);
  assert.deepEqual(await world.supervisor.stop(1000), { left: [] });
  assert.deepEqual(world.events, ['+k1', '+r1', '-r1', '-k1']);
});

test('O1 what a channel in memory holds is drained before the stop ends', async () => {
  const world = new World();
  await world.supervisor.apply(plan(world));
  await deliver(world, ...Array.from({ length: 95 }, (_, index) => `${index}`));
  assert.deepEqual(await world.supervisor.stop(5000), { left: [] });
  assert.equal(world.written.length, 95);
});

test('O2 with a dead target the stop ends at its deadline and counts what is left', async () => {
  const world = new World();
  world.sinkWorks = false;
  await world.supervisor.apply(plan(world));
  await deliver(world, '1', '2', '3');
  assert.deepEqual(await world.supervisor.stop(100), { left: [{ channel: 'c1', events: 3 }] });
});

test('G6 C1.19 C2.11 a plan that changes nothing touches nothing', async () => {
  const world = new World();
  await world.supervisor.apply(plan(world));
  assert.deepEqual(await world.supervisor.apply(plan(world)), []);
  assert.deepEqual(world.events, ['+k1', '+r1']);
  await world.supervisor.stop(100);
});

test('G6 a changed sink is replaced; source, channel and its events stay', async () => {
  const world = new World();
  world.sinkWorks = false;
  await world.supervisor.apply(plan(world));
  await deliver(world, '1', '2');
  world.sinkWorks = true;
  const changed = await world.supervisor.apply(plan(world, { sinkValues: { target: 'other' } }));
  assert.deepEqual(changed, ['sink k1']);
  await until('both events', () => world.written.length === 2 || undefined);
  assert.deepEqual(world.written, ['1', '2']);
  assert.deepEqual(world.events, ['+k1', '+r1', '-k1', '+k1']);
  await world.supervisor.stop(100);
});

test('G6 a changed memory channel hands its events over, in order, and what hangs on it starts again', async () => {
  const world = new World();
  world.sinkWorks = false;
  await world.supervisor.apply(plan(world));
  await deliver(world, ...Array.from({ length: 50 }, (_, index) => `${index}`));
  world.sinkWorks = true;
  await world.supervisor.apply(plan(world, { capacity: 20 }));
  await until('all events', () => world.written.length === 50 || undefined);
  assert.deepEqual(world.written, Array.from({ length: 50 }, (_, index) => `${index}`));
  assert.deepEqual(world.events.slice(2), ['-r1', '-k1', '+k1', '+r1']);
  assert.deepEqual(world.aside, []);
  await world.supervisor.stop(100);
});

test('G6 a channel that is taken away is drained first; what its sink cannot take is set aside', async () => {
  const world = new World();
  await world.supervisor.apply(plan(world, { channels: ['c1', 'c2'] }));
  await deliver(world, '1');
  await until('the event of c1', () => world.written.length === 1 || undefined);
  await world.supervisor.apply(plan(world));
  assert.deepEqual(world.aside, ['1']);
  await world.supervisor.stop(100);
});

test('the metrics tell every component in the order of the plan, with the figures of its channel', async () => {
  const world = new World();
  world.sinkWorks = false;
  await world.supervisor.apply(plan(world));
  await deliver(world, '1', '2');
  const [source, channel, sink] = world.supervisor.components();
  assert.deepEqual([source?.name, channel?.name, sink?.name], ['r1', 'c1', 'k1']);
  assert.deepEqual(channel?.channel, { size: 2, capacity: 100, byteLength: 2 });
  assert.equal(channel?.counters.get('EventPutSuccessCount'), 2);
  await world.supervisor.stop(50);
});

test('a channel that does not start keeps its source waiting and says why', async () => {
  const world = new World();
  const broken = define('channel', {
    types: ['broken'],
    summary: 'Never starts.',
    options: {},
    create: () => { throw new Error('no such directory'); },
  });
  const good = plan(world);
  await world.supervisor.apply({ ...good, channels: [part<'channel'>('c1', broken)] });
  const [source, channel] = world.supervisor.components();
  assert.deepEqual([source?.state, channel?.state, channel?.reason], ['starting', 'failed', 'no such directory']);
  assert.deepEqual(world.events, ['+k1']);
  await world.supervisor.stop(50);
});
