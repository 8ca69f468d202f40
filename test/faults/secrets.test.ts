import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runMillrace, startAgent, until, type RunningAgent } from '../harness/agent.ts';
import { exchange } from './numbered-lines.ts';

/** Planted wherever a secret can stand; found anywhere, it has leaked. */
const PLANTED = /Pl4nted[A-Za-z0-9]+/;

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-secrets-'));
  await mkdir(join(folder, 'out'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A sink whose errors hold all that it was given, as clients of servers do. */
const LEAKY = `export default ({ string, define }) => define('sink', {
  types: ['leaky'], summary: '', options: {
    password: string({ doc: 'x', secret: true }), url: string({ doc: 'x' }), apiKey: string({ doc: 'x' }), filtered: string({ doc: 'x', secret: true }), fromEnv: string({ doc: 'x', secret: true }),
  },
  create: (context, values) => ({
    async start() { context.log.debug('options', values); context.log.info('connects', { url: values.url, options: JSON.stringify(values) }); },
    async write(batch) {
      const text = Object.values(values).join(' ');
      context.log.warn('login as ' + text, { text, values, error: new Error(text) });
      if (batch.size > 1) throw new Error('cannot log in with ' + text + ' ' + encodeURIComponent(values.password), { cause: new Error(JSON.stringify(values)) });
      throw Object.assign(new Error('no: ' + text), { values });
    },
  }),
});
`;

const SECRETS = `
a1.configfilters = f1 f2
a1.configfilters.f1.type = external
a1.configfilters.f1.command = @FOLDER@/secret.sh
a1.configfilters.f2.type = env
a1.sinks.k1.type = ./leaky.mjs
a1.sinks.k1.password = Pl4ntedPassword1
a1.sinks.k1.url = https://user:Pl4ntedUrl2@example.invalid/x
a1.sinks.k1.apiKey = Pl4ntedApiKey3
a1.sinks.k1.filtered = \${f1[key]}
a1.sinks.k1.fromEnv = \${f2[PLANTED_VARIABLE]}
`;

function conf(sink: string): string {
  return `a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = 0
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
a1.sinks.k1.channel = c1
${sink}`;
}

async function prepare(folder: string): Promise<Readonly<Record<string, string>>> {
  await writeFile(join(folder, 'leaky.mjs'), LEAKY, { mode: 0o644 });
  await writeFile(join(folder, 'secret.sh'), '#!/bin/sh\necho Pl4ntedFiltered4\necho Pl4ntedStderr5 >&2\n', { mode: 0o755 });
  return { PLANTED_VARIABLE: 'Pl4ntedEnv6' };
}

/** Command lines of the agent and of its children, as every user of the machine can see them. */
function commandLines(pid: number): string {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const family = all.filter((name) => {
    try {
      return Number(name) === pid || new RegExp(`^PPid:\\s+${pid}$`, 'm').test(readFileSync(`/proc/${name}/status`, 'latin1'));
    } catch {
      return false;
    }
  });
  return family.map((name) => readFileSync(`/proc/${name}/cmdline`, 'latin1')).join('\n');
}

async function assertNothingLeaked(agent: RunningAgent, folder: string): Promise<void> {
  for (const path of ['/metrics', '/metrics/prometheus', '/health', '/ready', '/', '/x']) {
    assert.doesNotMatch(await (await agent.get(path)).text(), PLANTED, path);
  }
  assert.doesNotMatch(commandLines(agent.pid), PLANTED);
  for (const name of await readdir(join(folder, 'dead-letters')).catch(() => [])) {
    assert.doesNotMatch(await readFile(join(folder, 'dead-letters', name), 'latin1'), PLANTED, name);
  }
  await agent.stop();
  assert.deepEqual(agent.lines.filter((line) => PLANTED.test(line)), []);
}

test('G5 X15 planted secrets do not show in the log at DEBUG, in metrics, health, dead letters or the process list', async (t) => {
  for (const format of ['text', 'json']) {
    const folder = await folderOf(t);
    const env = await prepare(folder);
    const properties = { 'flume.root.logger': 'DEBUG,console', 'millrace.log.format': format, 'org.apache.flume.log.printconfig': 'true', 'org.apache.flume.log.rawdata': 'true' };
    const agent = await startAgent({ folder, conf: conf(SECRETS), env, properties, args: ['--stop-timeout', '1'] });
    t.after(() => agent.stop());
    await agent.line(/a1\.sources\.r1.*listens/);
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(agent.lines.find((line) => /a1\.sources\.r1.*listens/.test(line)) ?? '')?.[1]);
    await exchange(port, 'a\nb\n');
    await agent.line(/not accepted/);
    assert.ok(agent.lines.some((line) => line.includes('***')), 'secrets were to be printed, and masked');
    if (format === 'text') await assertNothingLeaked(agent, folder);
    else {
      await agent.stop();
      assert.deepEqual(agent.lines.filter((line) => PLANTED.test(line)), []);
    }
  }
});

test('G5 X15 a reload with other secrets, and with faults around them, shows neither the old ones nor the new', async (t) => {
  const folder = await folderOf(t);
  const env = await prepare(folder);
  const agent = await startAgent({ folder, conf: conf(SECRETS), env, args: ['--poll-interval', '600', '--stop-timeout', '1'] });
  t.after(() => agent.stop());
  await agent.ready();
  const next = conf(SECRETS).replace('Pl4ntedPassword1', 'Pl4ntedPassword8').replace('Pl4ntedUrl2', 'Pl4ntedUrl9');
  await agent.rewrite(next.concat('a1.sinks.k1.pasword = Pl4ntedMisspelt10\na1.sinks.k1.password = Pl4ntedTwice11\na1.sources.r1.port = Pl4ntedPort12\n').replace('Pl4ntedPort12', 'many'));
  process.kill(agent.pid, 'SIGHUP');
  await agent.line(/cannot run/);
  await agent.line(/M015/);
  await agent.rewrite(next);
  process.kill(agent.pid, 'SIGHUP');
  await agent.line(/changed configuration runs/);
  await exchange(await agent.port('r1'), 'a\nb\n').catch(() => undefined);
  await assertNothingLeaked(agent, folder);
});

test('G5 check shows the faults around secrets without the secrets', async (t) => {
  const folder = await folderOf(t);
  const env = await prepare(folder);
  const file = join(folder, 'agent.conf');
  const faulty = conf(SECRETS.replaceAll('@FOLDER@', folder)).concat(
    'a1.sinks.k1.password = Pl4ntedTwice11\na1.sinks.k1.pasword = Pl4ntedMisspelt10\na1.sinks.k1.keystorePassword = Pl4ntedUnknown13\na1.sinks.k1.apiKey = ${env:NO_SUCH}Pl4ntedBroken14\na1.sinks.k2.password = Pl4ntedUnlisted15\n',
    'a1.sinks.k1.url = https://user:Pl4ntedUrl16@[bad\n',
  );
  await writeFile(file, faulty);
  for (const args of [['check', file], ['check', '--json', file]]) {
    const { lines } = await runMillrace(args, { env, cwd: folder });
    assert.ok(lines.length > 2, lines.join('\n'));
    assert.deepEqual(lines.filter((line) => PLANTED.test(line)), []);
  }
});

test('G5 X15 X14 the login of a configuration by HTTP shows nowhere, nor does one in its address', async (t) => {
  const folder = await folderOf(t);
  const env = await prepare(folder);
  const logins: (string | undefined)[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    logins.push(request.headers.authorization);
    response.writeHead(status, { 'content-type': 'text/plain', location: 'http://169.254.169.254/' }).end(conf('a1.sinks.k1.type = null\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const uri = `http://someone:Pl4ntedUri17@127.0.0.1:${port}/agent.conf`;
  const agent = await startAgent({ folder, conf: '', env, args: ['--conf-uri', uri, '--poll-interval', '1'], properties: { 'flume.root.logger': 'DEBUG,console' } });
  t.after(() => agent.stop());
  await agent.ready();
  assert.equal(logins[0], `Basic ${Buffer.from('someone:Pl4ntedUri17').toString('base64')}`);
  for (const bad of [401, 302, 500]) {
    status = bad;
    const before = logins.length;
    await until('two more looks', () => logins.length >= before + 2 || undefined);
  }
  // The address is in the command line because the one who started the agent put it there; flume.opts is the way around that.
  await agent.stop();
  assert.deepEqual(agent.lines.filter((line) => PLANTED.test(line) || line.includes(Buffer.from('someone:Pl4ntedUri17').toString('base64'))), []);
});
