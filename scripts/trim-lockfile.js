// Run after `npm install` has changed package-lock.json: takes out the optional packages for other platforms that the registry did not
// have, so that their names stand there without an entry. `npm ci` refuses a lock file with such names, wherever it runs.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const path = join(dirname(dirname(fileURLToPath(import.meta.url))), 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
for (const [place, entry] of Object.entries(lock.packages)) {
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (place !== '' && !(`node_modules/${name}` in lock.packages)) delete entry.optionalDependencies[name];
  }
}
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
