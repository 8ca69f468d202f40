/** Arguments meant for a Java machine, taken out of a command line. */
export interface JvmArguments {
  readonly systemProperties: ReadonlyMap<string, string>;
  /** `-Xmx512m`, `-javaagent:…`: understood and of no effect. */
  readonly ignored: readonly string[];
  /** What is left, in order. */
  readonly words: readonly string[];
}

/** `-Dname=value` may stand anywhere, as with Flume's launcher; of a name given twice the last one counts, as in a JVM. */
export function takeJvmArguments(words: readonly string[]): JvmArguments {
  const systemProperties = new Map<string, string>();
  const ignored: string[] = [];
  const rest: string[] = [];
  for (const word of words) {
    if (word.startsWith('-D') && word.length > 2) {
      const equals = word.indexOf('=');
      if (equals < 0) systemProperties.set(word.slice(2), '');
      else systemProperties.set(word.slice(2, equals), word.slice(equals + 1));
    } else if (/^-(X|agentlib|agentpath|javaagent)/.test(word)) ignored.push(word);
    else rest.push(word);
  }
  return { systemProperties, ignored, words: rest };
}
