import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

const MOST_LINKS = 40;

/**
 * What a path leads to and all that is above it, the nearest first: what is there as device and inode, so that two spellings, links and
 * mounts of one directory have the same; what is not there yet by its names below that.
 */
export function pathLineage(path: string): readonly string[] {
  const { existing, rest } = followed(resolve(path), 0);
  const lineage: string[] = [];
  for (let at = existing; ; at = dirname(at)) {
    lineage.push(identityOf(at));
    if (at === dirname(at)) break;
  }
  for (const name of rest) lineage.unshift(`${lineage[0] ?? ''}/${name}`);
  return lineage;
}

/** The part of a path that is there, without links, and the names behind it that are not. */
function followed(path: string, links: number): { readonly existing: string; readonly rest: readonly string[] } {
  try {
    return { existing: realpathSync(path), rest: [] };
  } catch {
    if (path === dirname(path)) return { existing: path, rest: [] };
    const target = links < MOST_LINKS ? linkTarget(path) : undefined;
    if (target !== undefined) return followed(target, links + 1);
    const { existing, rest } = followed(dirname(path), links);
    return { existing, rest: [...rest, basename(path)] };
  }
}

/** Where a link leads whose target is not there yet. */
function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? resolve(realpathSync(dirname(path)), readlinkSync(path)) : undefined;
  } catch {
    return undefined;
  }
}

function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return path;
  }
}
