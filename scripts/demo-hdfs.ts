/**
 * `npm run demo:hdfs`: starts a real HDFS, runs conf/netcat-logger-hdfs.properties as it stands, sends what is typed (or piped in, or two
 * lines of its own) to the netcat source, and shows what Hadoop's own program then reads back. Everything is stopped and removed at the end.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../test/harness/agent.ts';
import { freePort, startDaemon, until, type Daemon } from '../test/servers/daemon.ts';
import { hdfsMissing, startHdfs, type Hdfs } from '../test/servers/hdfs.ts';

const OWN_LINES = ['Hello world!', 'Typed into netcat, read back from HDFS.'];

const missing = hdfsMissing();
if (missing === false) await demonstrate();
else console.error(missing);
process.exit(missing === false ? 0 : 1);

async function demonstrate(): Promise<void> {
  const usual = (await isFree(8020)) && (await isFree(9870));
  console.log(`> starting HDFS: a NameNode and a DataNode${usual ? ', the NameNode on its usual ports 8020 and 9870' : ', on other ports, since 8020 or 9870 is taken'}`);
  const hdfs = await startHdfs(usual ? { ports: { rpc: 8020, http: 9870 } } : {});
  const folder = await mkdtemp(join(tmpdir(), 'millrace-demo-'));
  try {
    const file = join(root, 'conf', 'netcat-logger-hdfs.properties');
    const text = await readFile(file, 'utf8');
    const port = (await isFree(44444)) ? 44444 : await freePort();
    const conf = text.replace('hdfs://127.0.0.1:8020', hdfs.uri).replace('44444', String(port));
    const path = conf === text ? file : join(folder, 'netcat-logger-hdfs.properties');
    if (conf !== text) await writeFile(path, conf);
    console.log(`> bin/millrace agent --conf conf --conf-file ${conf === text ? 'conf/netcat-logger-hdfs.properties' : path} --name a1\n`);
    const agent = startDaemon({
      command: join(root, 'bin', 'millrace'),
      args: ['agent', '--conf', usual ? join(root, 'conf') : hdfs.confFolder, '--conf-file', path, '--name', 'a1'],
      cwd: root,
    });
    agent.onLine((line) => console.log(Buffer.from(line, 'latin1').toString()));
    await agent.line(/r1.* listens/);
    const lines = await sendLines(port);
    await agent.stop();
    await show(hdfs, lines, agent);
  } finally {
    await hdfs.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lines from standard input until it ends or an empty one comes; the netcat source answers OK to each. */
async function sendLines(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const typed = process.stdin.isTTY;
  if (typed) console.log('\n> type lines; an empty one ends\n');
  let sent = 0;
  const send = async (line: string): Promise<void> => {
    socket.write(`${line}\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    console.log(`> nc 127.0.0.1 ${port}: ${line} -> ${answer.toString().trim()}`);
    sent++;
  };
  const input = createInterface({ input: process.stdin });
  const patience = typed ? undefined : setTimeout(() => input.close(), 1000);
  for await (const line of input) {
    clearTimeout(patience);
    if (line === '') break;
    await send(line);
  }
  if (sent === 0) for (const line of OWN_LINES) await send(line);
  socket.end();
  return sent;
}

async function show(hdfs: Hdfs, lines: number, agent: Daemon): Promise<void> {
  const day = await until(`${lines} lines in HDFS`, async () => {
    const files = [...(await hdfs.files('/flume')).keys()];
    const bytes = await Promise.all(files.map((name) => hdfs.read(name)));
    return Buffer.concat(bytes).toString().split('\n').length > lines ? files : undefined;
  });
  if (agent.running()) throw new Error('the agent did not stop');
  console.log('\n> hadoop fs -ls -R /flume');
  console.log((await hdfs.shell('-ls', '-R', '/flume')).toString());
  console.log(`> hadoop fs -cat ${day.join(' ')}`);
  console.log((await hdfs.shell('-cat', ...day)).toString());
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
