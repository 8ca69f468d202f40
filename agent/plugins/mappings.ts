import { join } from 'node:path';
import { describeError } from '../../core/errors.ts';
import { readIfThere } from '../../io/plugin-files.ts';

/** What a type, often the name of a Java class, is mapped to. */
export interface Mapping {
  /** A path or the name of a package. */
  readonly module: string;
  /** The file that says so, and its folder, which relative paths start from. */
  readonly file: string;
  readonly folder: string;
}

/**
 * Reads `plugins.json` (`{ "com.acme.MySink": "./my-sink.js" }`) and `plugins.properties` (`com.acme.MySink = ./my-sink.js`) of each folder; the
 * first one that names a type counts.
 */
export async function readMappings(
  folders: readonly string[],
  failed: (path: string, reason: string) => void,
): Promise<ReadonlyMap<string, Mapping>> {
  const mappings = new Map<string, Mapping>();
  for (const folder of new Set(folders)) {
    for (const [name, parse] of [['plugins.json', parseJson], ['plugins.properties', parseProperties]] as const) {
      const file = join(folder, name);
      try {
        const text = await readIfThere(file);
        if (text === undefined) continue;
        for (const [type, module] of await parse(text)) {
          if (!mappings.has(type)) mappings.set(type, { module, file, folder });
        }
      } catch (error) {
        failed(file, describeError(error));
      }
    }
  }
  return mappings;
}

function parseJson(text: string): readonly (readonly [string, string])[] {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it must be an object, of types to paths or packages');
  return Object.entries(value).map(([type, module]: [string, unknown]) => {
    if (typeof module !== 'string' || module === '') throw new Error(`"${type}" must be mapped to a path or a package`);
    return [type, module] as const;
  });
}

async function parseProperties(text: string): Promise<readonly (readonly [string, string])[]> {
  const { Properties } = await import('properties-file/parser');
  return new Properties(text).nodes.flatMap((node) => (node.type === 'property' ? [[node.key, node.value.trim()] as const] : []));
}
