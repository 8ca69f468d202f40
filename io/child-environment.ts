/** Variables that programs need to find others and to print text the way people read it here; none of them is a secret. */
const HARMLESS = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|TERM|HOSTNAME|JAVA_HOME|LD_LIBRARY_PATH)$/;

/**
 * The environment of a child: this process's variables that are known to be harmless, and those named; `*` names all. The only place
 * besides the command line that reads the environment: a child's is a part of this one's, and goes nowhere else.
 */
export function environmentFor(names: Iterable<string>): Record<string, string> {
  const wanted = new Set(names);
  const entries = Object.entries(process.env).flatMap(([name, value]): [string, string][] =>
    value !== undefined && (wanted.has('*') || wanted.has(name) || HARMLESS.test(name)) ? [[name, value]] : [],
  );
  return Object.fromEntries(entries);
}
