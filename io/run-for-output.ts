import { environmentFor, startChild } from './child-process.ts';

/** Time that a program gets to end by itself once it is asked to. */
const GRACE_MS = 200;

export interface Output {
  readonly output: Buffer;
}

/**
 * Runs a program without a shell, with this process's environment, and gives what it prints. Throws if it cannot be started, ends with
 * another status than 0, takes longer than `timeoutMs` or prints more than `mostBytes`; it is gone then. What it prints as errors is
 * read and thrown away: it may hold secrets.
 */
export async function runForOutput(argv: readonly string[], limits: { readonly timeoutMs: number; readonly mostBytes: number }): Promise<Output> {
  const child = await startChild(argv, environmentFor(['*']));
  const chunks: Buffer[] = [];
  let size = 0;
  child.stderr.resume();
  const stopped = Promise.withResolvers<never>();
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > limits.mostBytes) stopped.reject(new Error(`${argv[0]} printed more than ${limits.mostBytes} bytes`));
    else chunks.push(chunk);
  });
  const timer = setTimeout(() => stopped.reject(new Error(`${argv[0]} did not end within ${limits.timeoutMs} ms`)), limits.timeoutMs);
  const closed = new Promise<void>((resolve) => child.stdout.once('close', () => resolve()));
  try {
    const { code, signal } = await Promise.race([child.exited, stopped.promise]);
    if (code !== 0) throw new Error(`${argv[0]} ended with ${signal ? `the signal ${signal}` : `status ${code}`}`);
    await Promise.race([closed, stopped.promise]);
    return { output: Buffer.concat(chunks) };
  } finally {
    clearTimeout(timer);
    await child.end(GRACE_MS);
  }
}
