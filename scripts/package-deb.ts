// npm run package:deb [-- --out DIR] [-- --version V] [-- --maintainer M] [-- --fast]: a Debian package of dist/, which is built anew, with the Node that npm installed.
// Needs dpkg-deb. --maintainer 'NAME <MAIL>', or DEBFULLNAME and DEBEMAIL as Debian's own tools take them: who answers for the package. --fast compresses little, for tests.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { bashCompletion, manualPages } from './manual.ts';
import { foldersNeeded } from './production-modules.ts';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const PLACE = 'usr/lib/millrace';
const SOURCES = join(home, 'scripts', 'debian');
/** Where nobody is named who builds it for others. */
const NOBODY = 'The Millrace maintainers <maintainers@millrace.invalid>';

interface PackageFacts {
  readonly version: string;
}

/** What scripts/build.js says of dist/. */
interface BuildFacts {
  readonly date: string;
  /** Packages that are in it. */
  readonly builtIn: readonly string[];
}

const { values } = parseArgs({ options: { out: { type: 'string', default: '.' }, version: { type: 'string' }, maintainer: { type: 'string' }, fast: { type: 'boolean', default: false } } });
process.stdout.write(`${await build(values.out, values.version, values.fast)}\n`);

async function build(out: string, given: string | undefined, fast: boolean): Promise<string> {
  const facts = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as PackageFacts;
  const version = given ?? facts.version;
  const arch = process.arch === 'x64' ? 'amd64' : 'arm64';
  if (!existsSync(join(home, 'dist', 'build.json'))) throw new Error('there is no dist/: run npm run prepare');
  const tree = mkdtempSync(join(tmpdir(), 'millrace-deb-'));
  try {
    chmodSync(tree, 0o755);
    program(tree);
    surroundings(tree);
    await documents(tree, version);
    const size = modesAndSize(tree);
    control(tree, version, arch, size);
    mkdirSync(out, { recursive: true });
    const file = join(out, `millrace_${version}_${arch}.deb`);
    const { status, stderr } = spawnSync('dpkg-deb', ['--root-owner-group', fast ? '-Zgzip' : '-Zxz', fast ? '-z1' : '-z6', '--build', tree, file], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`dpkg-deb failed: ${stderr}`);
    return file;
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

/** Throws where it is no name with an address. */
function maintainer(): string {
  const { DEBFULLNAME: name, DEBEMAIL: mail } = process.env;
  const given = values.maintainer ?? (mail === undefined ? NOBODY : mail.includes('<') ? mail : `${name ?? mail.split('@')[0]} <${mail}>`);
  if (!/^[^<>\n]+ <[^<>@\s]+@[^<>@\s]+>$/.test(given)) throw new Error(`"${given}" is not of the form NAME <MAIL>`);
  return given;
}

function buildFacts(): BuildFacts {
  return JSON.parse(readFileSync(join(home, 'dist', 'build.json'), 'utf8')) as BuildFacts;
}

function program(tree: string): void {
  const place = join(tree, PLACE);
  for (const part of ['bin/flume-ng', 'bin/launcher.sh', 'bin/millrace', 'dist', 'conf/quickstart.properties', 'package.json']) cpSync(join(home, part), join(place, part), { recursive: true });
  for (const folder of foldersNeeded(home, buildFacts().builtIn)) {
    cpSync(join(home, folder), join(place, folder), { recursive: true, dereference: true, filter: (path) => isOfUse(relative(join(home, folder), path), folder) });
  }
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  symlinkSync('../lib/millrace/bin/millrace', join(tree, 'usr/bin/millrace'));
}

/** Of the modules: what runs, on this machine. */
function isOfUse(path: string, folder: string): boolean {
  if (path === '') return true;
  if (/(^|\/)node_modules($|\/)/.test(path)) return false;
  if (/node-linux-/.test(folder)) return /^(bin(\/node)?|package\.json|LICENSE)$/.test(path);
  if (/\/(node_modules\/)?@koromix\//.test(`/${folder}`)) return !/musl/.test(path);
  if (folder.endsWith('/classic-level')) {
    if (/^(deps|src|binding\.(cc|gyp))/.test(path)) return false;
    if (/^prebuilds\/./.test(path)) return path.startsWith(`prebuilds/linux-${process.arch}`) && !path.includes('musl');
  }
  return !/\.(d\.[cm]?ts|map|md|ts|c|cc|h|hh|cpp)$|(^|\/)(test|tests|docs|\.github|dist-types|benchmark)($|\/)|(^|\/)\.[^/]+$/i.test(path) || /licen[cs]e/i.test(path);
}

function surroundings(tree: string): void {
  const put = (from: string, to: string): void => cpSync(from, join(tree, to), { recursive: true });
  put(join(home, 'conf/systemd/millrace@.service'), 'lib/systemd/system/millrace@.service');
  put(join(SOURCES, 'example.properties'), 'etc/millrace/example.properties');
  put(join(SOURCES, 'lintian-overrides'), 'usr/share/lintian/overrides/millrace');
  mkdirSync(join(tree, 'DEBIAN'));
  for (const script of ['postinst', 'prerm', 'postrm']) put(join(SOURCES, script), `DEBIAN/${script}`);
  writeFileSync(join(tree, 'DEBIAN/conffiles'), '/etc/millrace/example.properties\n');
}

async function documents(tree: string, version: string): Promise<void> {
  const put = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  };
  for (const [name, text] of await manualPages(version)) put(`usr/share/man/man${name.at(-1)}/${name}.gz`, gzipSync(text, { level: 9 }));
  put('usr/share/bash-completion/completions/millrace', await bashCompletion());
  const date = new Date(buildFacts().date);
  const when = Number.isNaN(date.getTime()) ? new Date(0) : date;
  const changes = `millrace (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n -- ${maintainer()}  ${when.toUTCString().replace('GMT', '+0000')}\n`;
  put('usr/share/doc/millrace/changelog.gz', gzipSync(changes, { level: 9 }));
  put('usr/share/doc/millrace/CHANGELOG.md.gz', gzipSync(readFileSync(join(home, 'CHANGELOG.md')), { level: 9 }));
  put('usr/share/doc/millrace/copyright', copyright());
}

function copyright(): string {
  return [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
    'Upstream-Name: millrace',
    '',
    'Files: *',
    'Copyright: 2026 the Millrace authors',
    'License: Apache-2.0',
    ' On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.',
    '',
    `Files: ${PLACE}/node_modules/*`,
    'Copyright: 2009-2026 their authors, as their LICENSE files say',
    'License: various',
    ` Each package has its licence beside it; those built into ${PLACE}/dist are`,
    ` in ${PLACE}/dist/licences.txt, those of Node in`,
    ` ${PLACE}/node_modules/node-linux-*/LICENSE.`,
    '',
  ].join('\n');
}

/** Files as Debian has them, whatever umask and checkout there were; resolves with their size in KiB. */
function modesAndSize(tree: string): number {
  let bytes = 0;
  const sums: string[] = [];
  for (const name of readdirSync(tree, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(tree, name);
    const about = lstatSync(path);
    if (about.isSymbolicLink()) continue;
    const isProgram = /^DEBIAN\/(postinst|prerm|postrm)$/.test(name) || /\/bin\/(flume-ng|millrace|node)$/.test(name);
    chmodSync(path, about.isDirectory() || isProgram ? 0o755 : 0o644);
    if (!about.isFile() || name.startsWith('DEBIAN/')) continue;
    bytes += about.size;
    sums.push(`${createHash('md5').update(readFileSync(path)).digest('hex')}  ${name}\n`);
  }
  writeFileSync(join(tree, 'DEBIAN/md5sums'), sums.join(''));
  return Math.ceil(bytes / 1024);
}

function control(tree: string, version: string, arch: string, kibibytes: number): void {
  const lines = [
    'Package: millrace',
    `Version: ${version}`,
    `Architecture: ${arch}`,
    `Maintainer: ${maintainer()}`,
    `Installed-Size: ${kibibytes}`,
    'Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 6), passwd',
    'Recommends: libsystemd0',
    'Section: admin',
    'Priority: optional',
    'Description: log ingestion that runs Apache Flume configuration files',
    ' A log-ingestion agent that runs configuration files of Apache Flume 1.11',
    ' unchanged, with durable channels and a watch on what it delivers.',
    ' It brings its own Node and needs no Java. Agents run as services of systemd,',
    ' millrace@NAME for /etc/millrace/NAME.properties.',
  ];
  writeFileSync(join(tree, 'DEBIAN/control'), `${lines.join('\n')}\n`);
}
