import { describeProcess } from './process-words.ts';
import { processMark, type StoreFiles } from './store-files.ts';

/** Writes this process down as the one that uses what lies beside the file. */
export async function writeOwner(files: StoreFiles, path: string): Promise<void> {
  const mark = (await processMark(process.pid)) ?? '';
  await files.replace(path, Buffer.from(`${JSON.stringify({ pid: process.pid, mark })}\n`));
}

/** The process that wrote itself down as the owner, if it still runs; a number that another process has by now does not count. */
export async function livingOwner(files: StoreFiles, path: string): Promise<number | undefined> {
  const text = await files.read(path);
  if (!text) return undefined;
  try {
    const { pid, mark } = JSON.parse(text.toString()) as { pid?: unknown; mark?: unknown };
    // Without a mark a process that is gone, which has none either, would be the owner.
    if (typeof pid !== 'number' || typeof mark !== 'string' || pid === process.pid) return undefined;
    return (await processMark(pid)) === mark ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** The living owner for a sentence: `process 4711 (agent a1 of /etc/flume/a.conf)`. */
export async function describeOwner(files: StoreFiles, path: string): Promise<string | undefined> {
  const pid = await livingOwner(files, path);
  if (pid === undefined) return undefined;
  const words = await describeProcess(pid);
  return `process ${pid}${words === undefined ? '' : ` (${words})`}`;
}
