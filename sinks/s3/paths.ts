import type { Batch } from '../../core/batch.ts';
import { EscapeError, type Escapes } from '../../core/path-escapes.ts';

/** S3's limit for a key, less what a name and an ending may add. */
const MOST_PATH_BYTES = 1024 - 100;

export interface PathGroup {
  readonly path: string;
  /** Events of the batch; absent: all. */
  readonly indices?: readonly number[];
}

/** Sorts the events of a batch by the path that the template gives each. What cannot be given one is handed to `reject`. */
export function groupByPath(batch: Batch, template: Escapes, reject: (index: number, reason: string) => void): PathGroup[] {
  if (batch.size === 0) return [];
  if (template.isConstant || !batch.hasOwnHeaders) {
    const path = pathOf(batch, 0, template, (reason) => {
      for (let index = 0; index < batch.size; index++) reject(index, reason);
    });
    return path === undefined ? [] : [{ path }];
  }
  const groups = new Map<string, number[]>();
  for (let index = 0; index < batch.size; index++) {
    const path = pathOf(batch, index, template, (reason) => reject(index, reason));
    if (path === undefined) continue;
    const group = groups.get(path);
    if (group) group.push(index);
    else groups.set(path, [index]);
  }
  const [first] = groups;
  if (first && first[1].length === batch.size) return [{ path: first[0] }];
  return [...groups].map(([path, indices]) => ({ path, indices }));
}

function pathOf(batch: Batch, index: number, template: Escapes, reject: (reason: string) => void): string | undefined {
  try {
    // Some servers refuse a key with an empty part.
    const path = template.expandConfined((name) => batch.header(index, name)).replace(/\/(?=\/)/g, '/_').replace(/^\/+/, '');
    if (path.length * 3 <= MOST_PATH_BYTES || Buffer.byteLength(path) <= MOST_PATH_BYTES) return path;
    reject(`the key of its object would be ${Buffer.byteLength(path)} bytes long: S3 takes 1024 with the name`);
  } catch (error) {
    if (!(error instanceof EscapeError)) throw error;
    reject(error.message);
  }
  return undefined;
}
