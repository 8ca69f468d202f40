import type { Batch } from '../core/batch.ts';
import type { Context, Description, Sink } from '../core/component.ts';
import { define } from '../core/define.ts';
import { hashOrder } from '../core/java-values.ts';
import { integer } from '../core/options.ts';
import { cut, escapeControls } from '../core/printable.ts';

const BYTES_PER_LINE = 16;
/** Characters of the headers shown of one event. */
const HEADER_LIMIT = 8192;
/** Characters given to the log before it is asked again whether it has room. */
const BURST_LENGTH = 128 * 1024;

export const loggerSink = define('sink', {
  types: ['logger', 'org.apache.flume.sink.LoggerSink'],
  summary: 'Writes each event to the log of the agent; for trying things out.',
  options: {
    maxBytesToLog: integer({
      default: 16,
      min: 0,
      unreadable: 'warn',
      outside: 'warn',
      doc: 'Most bytes of each body shown, as hexadecimal digits and as text, 16 to a line.',
    }),
    batchSize: integer({ default: 100, min: 1, unreadable: 'refuse', outside: 'refuse', doc: 'Most events taken from the channel at a time.' }),
  },
  create: (context, { batchSize, maxBytesToLog }) => new LoggerSink(context, batchSize, maxBytesToLog),
});

class LoggerSink implements Sink {
  readonly batchSize: number;
  readonly #context: Context;
  readonly #maxBytesToLog: number;

  constructor(context: Context, batchSize: number, maxBytesToLog: number) {
    this.#context = context;
    this.batchSize = batchSize;
    this.#maxBytesToLog = maxBytesToLog;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  /** Accepted once the log had room and was given the lines; what becomes of them is the log's affair. */
  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    const shared = batch.hasOwnHeaders || batch.size === 0 ? undefined : headerText(batch.headers(0));
    let room = 0;
    for (let index = 0; index < batch.size; index++) {
      if (room <= 0) {
        await readyOrAborted(this.#context, signal);
        room = BURST_LENGTH;
      }
      const headers = shared ?? headerText(batch.headers(index));
      for (const line of eventLines(headers, batch.body(index).subarray(0, this.#maxBytesToLog))) {
        this.#context.log.event(line);
        room -= line.length;
      }
    }
  }

  describe(): Description {
    return { summary: `writes events to the log, up to ${this.#maxBytesToLog} bytes of each` };
  }
}

/**
 * Flume's dump: 16 bytes to a line as hexadecimal digits and as ASCII with a full stop for all else; offsets in front of all lines but
 * the first. No line for an empty body.
 */
export function dumpLines(body: Buffer): string[] {
  const lines: string[] = [];
  for (let at = 0; at < body.length; at += BYTES_PER_LINE) {
    const bytes = body.subarray(at, at + BYTES_PER_LINE);
    const hex = bytes.toString('hex').toUpperCase().replace(/../g, '$& ').padEnd(3 * BYTES_PER_LINE);
    const text = bytes.toString('latin1').replace(/[^ -~]/g, '.');
    const offset = at === 0 ? '' : at.toString(16).toUpperCase().padStart(8, '0');
    lines.push(`${offset} ${hex}${text}`);
  }
  return lines;
}

function eventLines(headers: string, body: Buffer): string[] {
  const lines = dumpLines(body);
  if (lines.length === 0) return [`Event: { headers:${headers} body: }`];
  lines[0] = `Event: { headers:${headers} body:${lines[0]}`;
  lines.push(`${lines.pop()} }`);
  return lines;
}

/** As Java prints a map, in the order of a hash map. */
function headerText(headers: ReadonlyMap<string, string>): string {
  const pairs = hashOrder(headers.keys()).map((name) => `${name}=${headers.get(name) ?? ''}`);
  return escapeControls(`{${cut(pairs.join(', '), HEADER_LIMIT)}}`);
}

async function readyOrAborted(context: Context, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    await Promise.race([context.log.ready(), aborted]);
  } finally {
    if (abort) signal.removeEventListener('abort', abort);
  }
}
