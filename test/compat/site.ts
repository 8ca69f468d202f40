/**
 * What a side-by-side case sees of the agent that runs it: its ports, folders, files, metrics and log. A case cannot tell whether real
 * Flume or Millrace is behind it. Everything waits for a condition; nothing sleeps for a time.
 */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { until } from '../servers/daemon.ts';

export interface Talk {
  /** Bytes that came back, as ISO-8859-1. */
  readonly replies: string;
  /** Whether the agent closed the connection before we did. */
  readonly closed: boolean;
}

/** Tells an agent that goes on with a connection from one that closes it: what is sent last, and how to see that it was taken. */
export interface Probe {
  readonly piece: string | Buffer;
  readonly taken: (replies: string) => boolean | Promise<boolean>;
}

export interface Site {
  /** The port that stands for `@PORT@` (1), `@PORT2@` … */
  port(number?: number): number;
  /** Folder for inputs: `@DIR@`. */
  readonly folder: string;
  /** Writes a file below the input folder. */
  write(name: string, content: string | Buffer): Promise<string>;
  /** Sends the pieces over one TCP connection and reads until `enough` is content, or until the agent closes. */
  talk(pieces: readonly (string | Buffer)[], enough: (replies: string) => boolean, probe?: Probe): Promise<Talk>;
  /** Sends each piece as a datagram, in order; resolves with the local port they came from. */
  datagrams(pieces: readonly (string | Buffer)[], port?: number): Promise<number>;
  /** All that the files of output folder `@OUT@` (1), `@OUT2@` … hold, in the order of their numbers, as ISO-8859-1, once `done`. */
  written(done: (text: string) => boolean, number?: number): Promise<string>;
  /** As `written`, but by file. */
  files(done: (files: ReadonlyMap<string, Buffer>) => boolean, number?: number): Promise<ReadonlyMap<string, Buffer>>;
  /** Counters of a component of the case (`SOURCE.r1`) once `done`. */
  metrics(component: string, done?: (counters: Readonly<Record<string, string>>) => boolean): Promise<Readonly<Record<string, string>>>;
  /** Names of the components of the case that have counters. */
  components(): Promise<string[]>;
  /** Messages of the logger sink that contain the mark, once there are `count` of them. Lines of one message are joined by LF. */
  logged(mark: string, count: number): Promise<string[]>;
}

export interface SiteBacking {
  /** Which case of the agent this is; component names begin with it. */
  readonly prefix: string;
  readonly root: string;
  readonly ports: readonly number[];
  metrics(): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>>;
  lines(): readonly string[];
}

/** Longest wait for any one condition; Flume's idle sinks look into their channel every 5 s only. */
const patienceMs = 30_000;

const outputFolders = 3;
export const portsPerCase = 2;

export async function makeFolders(root: string): Promise<void> {
  await mkdir(join(root, 'in'), { recursive: true });
  for (let number = 1; number <= outputFolders; number++) {
    await mkdir(join(root, `out${number}`), { recursive: true });
  }
}

export function siteOver(backing: SiteBacking): Site {
  const port = (number = 1) => backing.ports[number - 1] ?? 0;
  const files = (done: (files: ReadonlyMap<string, Buffer>) => boolean, number = 1) => {
    let seen = '';
    return until(`output ${number} of ${backing.prefix} is complete`, async () => {
      const found = await readFiles(join(backing.root, `out${number}`));
      seen = [...found].map(([name, bytes]) => `${name}: ${JSON.stringify(bytes.toString('latin1').slice(-400))}`).join('\n');
      return done(found) ? found : undefined;
    }, patienceMs).catch((error: Error) => {
      throw new Error(`${error.message}; it holds\n${seen}`, { cause: error });
    });
  };
  return {
    port,
    folder: join(backing.root, 'in'),
    write: async (name, content) => {
      const path = join(backing.root, 'in', name);
      await writeFile(path, content);
      return path;
    },
    talk: (pieces, enough, probe) => talk(port(), pieces, enough, probe),
    datagrams: (pieces, number) => datagrams(port(number), pieces),
    files,
    written: async (done, number) => joined(await files((found) => done(joined(found)), number)),
    metrics: (component, done = () => true) => {
      const name = component.replace('.', `.${backing.prefix}`);
      return until(`metrics of ${name} are as wanted`, async () => {
        const counters = (await backing.metrics())[name];
        return counters !== undefined && done(counters) ? counters : undefined;
      }, patienceMs);
    },
    components: async () => {
      const own = new RegExp(`^[A-Z]+\\.(?=${backing.prefix})`);
      const names = Object.keys(await backing.metrics()).filter((name) => own.test(name));
      return names.map((name) => name.replace(`.${backing.prefix}`, '.')).sort();
    },
    logged: (mark, count) =>
      until(`${count} messages of the logger sink with ${mark}`, () => {
        const messages = loggerMessages(backing.lines()).filter((message) => message.includes(mark));
        return messages.length >= count ? messages : undefined;
      }, patienceMs),
  };
}

async function readFiles(folder: string): Promise<Map<string, Buffer>> {
  const number = (name: string) => Number(/-(\d+)(?:\.|$)/.exec(name)?.[1] ?? 0);
  const time = (name: string) => Number(/(\d{13,14})-/.exec(name)?.[1] ?? 0);
  const names = (await readdir(folder)).sort((a, b) => time(a) - time(b) || number(a) - number(b));
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)));
}

function joined(files: ReadonlyMap<string, Buffer>): string {
  return Buffer.concat([...files.values()]).toString('latin1');
}

async function talk(port: number, pieces: readonly (string | Buffer)[], enough: (replies: string) => boolean, probe?: Probe): Promise<Talk> {
  const socket = await until(`the agent listens on ${port}`, () => connected(port), patienceMs);
  let replies = '';
  let closed = false;
  socket.on('data', (chunk: Buffer) => (replies += chunk.toString('latin1')));
  socket.on('end', () => (closed = true));
  socket.on('error', () => (closed = true));
  socket.on('close', () => (closed = true));
  for (const piece of pieces) {
    await new Promise<void>((done) => {
      socket.write(piece, () => done());
    });
  }
  await until(() => `the agent answers on ${port}; so far ${JSON.stringify(replies.slice(-300))}`, () => closed || enough(replies) || undefined, patienceMs);
  if (probe !== undefined) {
    socket.write(probe.piece, () => {});
    await until(`the agent closes the connection to ${port} or goes on`, async () => closed || (await probe.taken(replies)) || undefined, patienceMs);
  }
  const result = { replies, closed };
  socket.end();
  // A source that waits for room keeps the connection until it has it.
  const late = setTimeout(() => socket.destroy(), 2000);
  if (!socket.destroyed) {
    await once(socket, 'close');
  }
  clearTimeout(late);
  return { ...result, replies };
}

async function connected(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** Whether a process of this machine has the UDP port open. */
async function udpOpen(port: number): Promise<boolean> {
  const mark = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const tables = await Promise.all(['udp', 'udp6'].map((name) => readFile(`/proc/net/${name}`, 'latin1').catch(() => '')));
  return tables.some((table) => table.split('\n').some((line) => line.trim().split(/\s+/)[1]?.endsWith(mark)));
}

async function datagrams(port: number, pieces: readonly (string | Buffer)[]): Promise<number> {
  await until(`the agent listens on UDP ${port}`, async () => (await udpOpen(port)) || undefined, patienceMs);
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const from = socket.address().port;
  for (const piece of pieces) {
    await new Promise<void>((done, fail) => {
      socket.send(piece, port, '127.0.0.1', (error) => (error === null ? done() : fail(error)));
    });
  }
  socket.close();
  return from;
}

/**
 * Messages of logger sinks in an agent's log, whatever the layout of its lines: from `Event: {` to the closing ` }`, which may be lines
 * further down (a dump of more than 16 bytes) or inside the text of a JSON line.
 */
function loggerMessages(lines: readonly string[]): string[] {
  const messages: string[] = [];
  let open: string[] | undefined;
  for (const line of lines.flatMap(textOf)) {
    const start = line.indexOf('Event: { headers:');
    if (start >= 0) {
      open = [line.slice(start)];
    } else if (open !== undefined) {
      open.push(/[0-9A-F]{8} (?:[0-9A-F]{2} | {3}){16}.{0,16}(?: \})?$/.exec(line)?.[0] ?? line);
    }
    if (open !== undefined && line.endsWith(' }')) {
      messages.push(open.join('\n'));
      open = undefined;
    }
  }
  return messages;
}

function textOf(line: string): string[] {
  if (!line.startsWith('{')) {
    return [line];
  }
  try {
    const found = Object.values(JSON.parse(line) as Record<string, unknown>).find((value) => typeof value === 'string' && value.startsWith('Event: {'));
    return typeof found === 'string' ? found.split('\n') : [line];
  } catch {
    return [line];
  }
}
