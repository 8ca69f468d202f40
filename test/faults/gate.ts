import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root, type RunningAgent } from '../harness/agent.ts';

const SINK = join(root, 'test/faults/plugins/gate-sink.ts');

/** Lines of a configuration: sink `k1`, which takes nothing from channel `c1` before `openGate`. */
export function gateSink(how: 'hangs' | 'fails', batchSize = 100, out = '@FOLDER@/out.txt'): string {
  return `
a1.sinks.k1.type = ${SINK}
a1.sinks.k1.gate = @FOLDER@/open
a1.sinks.k1.out = ${out}
a1.sinks.k1.fails = ${how === 'fails'}
a1.sinks.k1.batchSize = ${batchSize}
a1.sinks.k1.channel = c1
`;
}

export async function openGate({ folder }: Pick<RunningAgent, 'folder'>): Promise<void> {
  await writeFile(join(folder, 'open'), '');
}

/** What went through the gate so far. */
export async function behindGate({ folder }: Pick<RunningAgent, 'folder'>): Promise<string[]> {
  const text = await readFile(join(folder, 'out.txt'), 'latin1').catch(() => '');
  return text === '' ? [] : text.slice(0, -1).split('\n');
}

/** Times that the sink was asked to write while the gate was shut. */
export async function triesAtGate({ folder }: Pick<RunningAgent, 'folder'>): Promise<number> {
  return (await readFile(join(folder, 'open.tries'), 'latin1').catch(() => '')).length;
}
