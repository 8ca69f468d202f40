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
      if (rule.by === 'name' && rule.pattern !== OWN) names ??= await namesOf(plain);
      if (concerns(rule, plain, names ?? [], () => isOwnAddress(plain))) return rule.allows;
    }
    return true;
  }

  /**
   * The same for a client of which these names are known, and maybe an address. Undefined where an address or a name that is not known could
   * decide otherwise.
   */
  allowsKnown(address: string | undefined, names: readonly string[]): boolean | undefined {
    const isOwn = (): boolean => address !== undefined && /^(?:127\.|::1$)/.test(address);
    // No pattern but `*` and the like fits an empty text.
    const first = this.#rules.findIndex((rule) => concerns(rule, address ?? '', names, isOwn));
    const verdict = this.#rules[first]?.allows ?? true;
    const before = first < 0 ? this.#rules : this.#rules.slice(0, first);
    const couldMatch = ({ by, pattern }: Rule): boolean => (by === 'ip' ? address === undefined : pattern !== OWN);
    return before.some((rule) => rule.allows !== verdict && couldMatch(rule)) ? undefined : verdict;
  }
}

/** The pattern of names that stands for the own host. */
const OWN = 'localhost';

function concerns(rule: Rule, address: string, names: readonly string[], isOwn: () => boolean): boolean {
  if (rule.by === 'ip') return rule.matches(address);
  return rule.pattern === OWN ? isOwn() : names.some((name) => rule.matches(name));
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
