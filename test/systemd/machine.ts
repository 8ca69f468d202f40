/** A machine on which the package was installed, and agents on it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startRig, type Rig } from './rig.ts';

const home = fileURLToPath(new URL('../..', import.meta.url));
const NODE = '/usr/lib/millrace/node_modules/node-linux-*/bin/node';

export const PORT = 45_401;
export const MONITORING = 45_402;

export async function startMachine(versions: readonly string[]): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-packages-'));
  try {
    made([join(home, 'scripts/build.js')]);
    const packages = versions.map((version) => {
      return readFileSync(made([join(home, 'scripts/package-deb.ts'), '--fast', '--version', version, '--out', folder]));
    });
    const rig = await startRig();
    for (const [index, content] of packages.entries()) await rig.put(`/root/millrace_${versions[index]}.deb`, content);
    await rig.put('/root/send.mjs', SENDER);
    return rig;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function made(words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${words[0]}: ${stderr}`);
  return stdout.trim();
}

/** Lines of netcat into a durable channel, and out by what `sink` says (`k1.type = …`). */
export async function configure(rig: Rig, name: string, sink: string, options = '', port = PORT): Promise<void> {
  const text = `
${name}.sources = r1
${name}.channels = c1
${name}.sinks = k1
${name}.sources.r1.type = netcat
${name}.sources.r1.bind = 127.0.0.1
${name}.sources.r1.port = ${port}
${name}.sources.r1.channels = c1
${name}.channels.c1.type = file
${name}.channels.c1.checkpointDir = channel/checkpoint
${name}.channels.c1.dataDirs = channel/data
${name}.sinks.k1.channel = c1
${sink.trim().replace(/^/gm, `${name}.sinks.`)}
`;
  await rig.put(`/etc/millrace/${name}.properties`, text);
  await rig.put(`/etc/default/millrace-${name}`, `MILLRACE_OPTIONS="-Dflume.monitoring.type=http -Dflume.monitoring.port=${MONITORING} ${options}"\n`);
}

/** Sections and settings over those of the unit. */
export async function dropIn(rig: Rig, name: string, text: string): Promise<void> {
  await rig.put(`/etc/systemd/system/millrace@${name}.service.d/test.conf`, `${text}\n`);
  await rig.run('systemctl daemon-reload');
}

/** Sends numbered lines; the acknowledged ones stand in `/root/acknowledged` (added to). */
export async function send(rig: Rig, from: number, count: number): Promise<void> {
  await rig.run(sendLine(from, count));
}

/** The line that does so: waits for each answer, connects again after a break, and skips no number. */
export function sendLine(from: number, count: number, port = PORT): string {
  return `${NODE} /root/send.mjs ${port} ${from} ${count} /root/acknowledged`;
}

/** Of the acknowledged lines those that are not in the files, and how many were acknowledged. */
export async function missing(rig: Rig, files: string): Promise<{ acknowledged: number; missing: readonly string[] }> {
  const words = async (line: string): Promise<readonly string[]> => (await rig.try(line)).out.split('\n').filter(Boolean);
  const acknowledged = await words('sort -u /root/acknowledged');
  const there = new Set(await words(`cat ${files}`));
  return { acknowledged: acknowledged.length, missing: acknowledged.filter((line) => !there.has(line)) };
}

export async function property(rig: Rig, name: string, what: string): Promise<string> {
  return (await rig.run(`systemctl show -p ${what} --value millrace@${name}`)).trim();
}

const SENDER = `
import { connect } from 'node:net';
import { appendFileSync } from 'node:fs';
const [port, from, count, file] = [Number(process.argv[2]), Number(process.argv[3]), Number(process.argv[4]), process.argv[5]];
let next = from;
function session() {
  const socket = connect(port, '127.0.0.1', () => socket.write('line-' + next + '\\n'));
  socket.setEncoding('utf8').on('data', (text) => {
    if (!text.includes('OK')) return;
    appendFileSync(file, 'line-' + next + '\\n');
    if (++next === from + count) { socket.destroy(); process.exit(0); }
    socket.write('line-' + next + '\\n');
  });
  socket.on('error', () => undefined);
  socket.on('close', () => setTimeout(session, 50));
}
session();
`;
