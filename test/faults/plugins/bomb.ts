import { existsSync, rmSync } from 'node:fs';

type Kit = typeof import('../../../core/options.ts') & typeof import('../../../core/define.ts') & typeof import('../../../core/batch.ts');

/** Once a file is there, it is taken away and true is returned: a fault is played once each time the test asks for it. */
function lit(fuse: string): boolean {
  if (!existsSync(fuse)) return false;
  rmSync(fuse, { force: true });
  return true;
}

function explode(): never {
  throw new Error('bomb went off');
}

/** A source, a sink and an interceptor that fail in the way that `how` names, whenever the test lights the fuse. */
export const plugin = ({ define, string, Batch }: Kit) => {
  const options = {
    fuse: string({ doc: 'File that makes it fail.' }),
    how: string({ default: 'throw', doc: 'throw, fail, timer, promise or assert.' }),
  };
  const act = (how: string, fail: (error: Error) => void): void => {
    if (how === 'throw') explode();
    if (how === 'fail') fail(new Error('bomb went off'));
    if (how === 'timer') setTimeout(explode, 1);
    if (how === 'promise') void Promise.reject(new Error('bomb went off'));
  };
  return [
    define('source', {
      types: ['bomb-source'],
      summary: 'Makes an event each time it is asked.',
      options,
      create: (context, { fuse, how }) => ({
        async start() {},
        async stop() {},
        async poll() {
          if (lit(fuse)) act(how, (error) => context.fail(error));
          await context.deliver(Batch.of([{ body: Buffer.from('tick'), headers: new Map() }]), { wait: true });
          return 'idle' as const;
        },
      }),
    }),
    define('sink', {
      types: ['bomb-sink'],
      summary: 'Takes everything.',
      options,
      create: (context, { fuse, how }) => ({
        batchSize: 100,
        async start() {},
        async stop() {},
        async write() {
          if (lit(fuse)) act(how, (error) => context.fail(error));
        },
      }),
    }),
    define('interceptor', {
      types: ['bomb-interceptor'],
      summary: 'Lets everything pass.',
      options,
      create: (_context, { fuse, how }) => ({
        intercept(batch) {
          if (lit(fuse)) act(how, explode);
          return batch;
        },
      }),
    }),
    define('channel', {
      types: ['bomb-channel'],
      summary: 'Fails when a batch is put.',
      options,
      create: (context, { fuse, how }) => ({
        transactionCapacity: 100,
        durable: false,
        async start() {},
        async stop() {},
        async put() {
          if (lit(fuse)) act(how, (error) => context.fail(error));
        },
        take: (_max, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true })),
        status: () => ({ size: 0, capacity: 0, byteLength: 0 }),
      }),
    }),
  ];
};
