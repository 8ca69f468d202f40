import { arch, homedir, release, tmpdir, type, userInfo } from 'node:os';

/**
 * What `${sys:name}` finds: the properties of every JVM that make sense without one, and on top of them those of the command line
 * (`-Dname=value`).
 */
export function withStandardProperties(given: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const version = process.versions.node;
  const standard: readonly (readonly [string, string])[] = [
    ['user.home', homeDirectory()],
    ['user.name', userName()],
    ['user.dir', process.cwd()],
    ['user.language', 'en'],
    ['user.country', 'US'],
    ['java.io.tmpdir', tmpdir()],
    ['java.version', version],
    ['java.runtime.name', 'Node.js'],
    ['java.runtime.version', version],
    ['java.vendor', 'Node.js'],
    ['java.vm.name', 'V8'],
    ['java.vm.version', process.versions.v8],
    ['java.vm.info', 'mixed mode'],
    ['os.name', type()],
    ['os.version', release()],
    ['os.arch', arch() === 'x64' ? 'amd64' : arch() === 'arm64' ? 'aarch64' : arch()],
    ['file.separator', '/'],
    ['path.separator', ':'],
    ['line.separator', '\n'],
    ['file.encoding', 'UTF-8'],
  ];
  return new Map([...standard, ...given]);
}

/** The working directory takes the place of a home that is not known: no HOME, and a user that only a number stands for. */
export function homeDirectory(): string {
  try {
    return homedir();
  } catch {
    return process.cwd();
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the password file, as in many containers.
    return String(process.getuid?.() ?? '');
  }
}
