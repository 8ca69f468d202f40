import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const MOST_BYTES = 1 << 20;
const TIME_OUT_MS = 10_000;

/**
 * The text at a `file:`, `http:` or `https:` URL, in UTF-8, at most 1 MB of it. Redirections are not followed: the URL may come from
 * outside, and must not lead anywhere else than it says. Throws an error that names the URL without its credentials.
 */
export async function readUrlText(url: string): Promise<string> {
  const parsed = new URL(url);
  const shown = `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  try {
    if (parsed.protocol === 'file:') return await readFileText(fileURLToPath(parsed));
    if (parsed.protocol === 'http:' || parsed.protocol === 'https:') return await readHttpText(parsed);
  } catch (error) {
    throw new Error(`cannot read ${shown}`, { cause: error });
  }
  throw new Error(`cannot read ${shown}: only file:, http: and https: URLs are read`);
}

async function readFileText(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    if (!(await file.stat()).isFile()) throw new Error('it is not a regular file');
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MOST_BYTES + 1), 0, MOST_BYTES + 1, 0);
    return textOf([buffer.subarray(0, bytesRead)]);
  } finally {
    await file.close();
  }
}

async function readHttpText(url: URL): Promise<string> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIME_OUT_MS) });
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw new Error(`the server answers ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MOST_BYTES) break;
  }
  return textOf(chunks);
}

function textOf(chunks: readonly Uint8Array[]): string {
  const bytes = Buffer.concat(chunks);
  if (bytes.length > MOST_BYTES) throw new Error(`it is longer than ${MOST_BYTES} bytes`);
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}
