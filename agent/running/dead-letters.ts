import { isUtf8 } from 'node:buffer';
import { join } from 'node:path';
import type { Batch } from '../../core/batch.ts';
import { AgentError, describeError } from '../../core/errors.ts';
import { AppendFile } from '../../io/append-file.ts';

/**
 * Events that can never be accepted, one JSON object a line and one file per component: `a1.sinks.k1.jsonl`. Written and synced before
 * the events leave their channel.
 */
export class DeadLetters {
  readonly directory: string;
  readonly #files = new Map<string, AppendFile>();

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Resolves once the events are on disk. Throws where they cannot be written: then they must stay where they are. */
  async write(component: string, batch: Batch, reason: string): Promise<void> {
    const path = join(this.directory, `${component.replace(/[^\w.-]/g, '_')}.jsonl`);
    const file = this.#files.get(path) ?? new AppendFile(path);
    this.#files.set(path, file);
    try {
      await file.append(Buffer.from(linesOf(component, batch, reason)));
    } catch (error) {
      throw new AgentError('M106', `cannot set ${batch.size} events aside in ${path}: ${describeError(error)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.close()));
    this.#files.clear();
  }
}

function linesOf(component: string, batch: Batch, reason: string): string {
  const time = new Date().toISOString();
  let text = '';
  for (const { body, headers } of batch) {
    const content = isUtf8(body) ? { body: body.toString() } : { bodyBase64: body.toString('base64') };
    text += `${JSON.stringify({ time, component, reason, headers: [...headers], ...content })}\n`;
  }
  return text;
}
