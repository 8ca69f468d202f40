/** Syslog sources over TCP as tests have them. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { AnyDefinition } from '../../../../core/define.ts';
import type { Description, Source, SourceContext } from '../../../../core/component.ts';
import { create, type FakeSourceContext } from '../../../conformance/fakes.ts';

/** A source that is made in time. */
export class Late implements Source {
  readonly #made: Promise<Source>;
  #source: Source | undefined;
  socket: Promise<Socket> | undefined;

  constructor(definition: AnyDefinition<'source'>, context: SourceContext, properties: Record<string, string>) {
    this.#made = Promise.resolve(create(definition, { host: '127.0.0.1', ...properties }, context));
  }

  async start(): Promise<void> {
    this.#source = await this.#made;
    await this.#source.start();
  }

  async stop(): Promise<void> {
    await (await this.#made).stop();
  }

  describe(): Description {
    return this.#source?.describe?.() ?? {};
  }

  get ports(): number[] {
    return (this.describe().endpoints ?? []).map(({ address }) => Number(/:(\d+)$/.exec(address)?.[1]));
  }

  /** Over one connection, so that the order is told. */
  async send(text: string | Buffer): Promise<void> {
    this.socket ??= open(this.ports[0] as number);
    const socket = await this.socket;
    if (!socket.destroyed) socket.write(text);
  }
}

export async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

export async function started(t: Pick<TestContext, 'after'>, definition: AnyDefinition<'source'>, context: FakeSourceContext, properties: Record<string, string>): Promise<Late> {
  const source = new Late(definition, context, properties);
  await source.start();
  t.after(() => source.stop());
  return source;
}
