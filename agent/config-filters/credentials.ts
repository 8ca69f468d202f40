import { join } from 'node:path';
import { define } from '../../core/define.ts';
import { optional, string } from '../../core/options.ts';
import { readSmallFile } from '../../io/small-file.ts';
import type { FilterContext } from '../plan/filters.ts';

const MOST_BYTES = 64 * 1024;

/** Ours: what `LoadCredential=` of systemd.exec(5) laid down for the service, or files that a container was given. */
export const credentialsFilter = define('config filter', {
  types: ['credentials'],
  summary: 'Takes the values of ${filter[NAME]} from files of that name: the credentials of a systemd service, or secrets of a container.',
  options: {
    directory: optional(string({ doc: 'Where the files are; unless given, where CREDENTIALS_DIRECTORY in the environment says (systemd sets it).' })),
  },
  create: (context, { directory }) => {
    const { env } = context as FilterContext;
    const folder = directory ?? env.get('CREDENTIALS_DIRECTORY');
    if (!folder) throw new Error('there is no directory of credentials: the service needs LoadCredential=, or the filter its option "directory"');
    return {
      lookUp: async (key) => {
        if (!/^[^/\0]+$/.test(key) || key === '.' || key === '..') throw new Error(`"${key}" is no name of a credential: they are files in ${folder}`);
        // Editors end files with a line feed, and no password does.
        return readSmallFile(join(folder, key), MOST_BYTES)?.replace(/\r?\n$/, '');
      },
    };
  },
});
