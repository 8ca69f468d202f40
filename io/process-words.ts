import { readFile } from 'node:fs/promises';

const CONFIGURATION = /^--?(?:f|u|conf-file|conf-uri)$/;
const NAME = /^--?(?:n|name)$/;

/**
 * What runs under a process number: `agent a1 of /etc/flume/a.conf` for an agent of ours, else the name of the program. Of its command
 * line nothing else is shown, since it may hold passwords. `undefined` where the system does not tell.
 */
export async function describeProcess(pid: number): Promise<string | undefined> {
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').then(
    (text) => text.split('\0').slice(0, -1),
    () => [],
  );
  const name = valueOf(words, NAME);
  const configuration = valueOf(words, CONFIGURATION);
  if (name !== undefined && configuration !== undefined) return `agent ${name} of ${withoutLogin(configuration)}`;
  return readFile(`/proc/${pid}/comm`, 'utf8').then(
    (text) => text.trim() || undefined,
    () => undefined,
  );
}

/** `--name a1`, `--name=a1`, `-na1`. */
function valueOf(words: readonly string[], option: RegExp): string | undefined {
  for (const [index, word] of words.entries()) {
    if (option.test(word)) return words[index + 1];
    const equals = word.indexOf('=');
    if (equals > 0 && option.test(word.slice(0, equals))) return word.slice(equals + 1);
    if (/^-[nfu]./.test(word) && option.test(word.slice(0, 2))) return word.slice(2);
  }
  return undefined;
}

function withoutLogin(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//');
}
