import { networkInterfaces } from 'node:os';
import { compileJavaRegex } from '../../core/java-regex.ts';
import { splitLikeJava } from '../../core/option-groups.ts';

interface Rule {
  readonly allows: boolean;
  readonly by: 'ip' | 'name';
  readonly pattern: string;
  matches(text: string): boolean;
}

const RULE = /^(allow|deny):(ip|name):(.*)$/s;

/** Flume's rules for who may connect: the first that matches decides; none: allowed. */
export class IpFilter {
  readonly #rules: readonly Rule[];

  /** `text` was checked. */
  constructor(text: string) {
    this.#rules = splitLikeJava(text, ',').map(ruleOf);
  }

  /** `address` in text; names are looked up only where a rule asks. */
  async allows(address: string): Promise<boolean> {
    const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
    let names: readonly string[] | undefined;
    for (const rule of this.#rules) {
      if (rule.by === 'ip') {
        if (rule.matches(plain)) return rule.allows;
        continue;
      }
      if (rule.pattern === 'localhost') {
        if (isOwnAddress(plain)) return rule.allows;
        continue;
      }
      names ??= await namesOf(plain);
      if (names.some((name) => rule.matches(name))) return rule.allows;
    }
    return true;
  }
}

/** `*` is any text, `?` one character, a dot itself; everything else is as in a Java regular expression, as Netty has it. */
function ruleOf(text: string): Rule {
  const [, verdict, by, pattern = ''] = RULE.exec(text.trim()) ?? [];
  const regex = compileJavaRegex(`(${pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')})`);
  return { allows: verdict === 'allow', by: by === 'name' ? 'name' : 'ip', pattern, matches: (value) => regex.matches(value) };
}

function isOwnAddress(address: string): boolean {
  if (address === '127.0.0.1' || address === '::1') return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address));
}

/** Java shows the address where no name is found. */
async function namesOf(address: string): Promise<readonly string[]> {
  try {
    return await process.getBuiltinModule('node:dns').promises.reverse(address);
  } catch {
    return [address];
  }
}
