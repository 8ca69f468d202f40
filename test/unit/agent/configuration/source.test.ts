import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { backupPath, readBackup, writeBackup } from '../../../../agent/configuration/backup.ts';
import { configSources, type SourceArguments } from '../../../../agent/configuration/source.ts';
import { LISTS, planTexts } from '../planning.ts';

const none: SourceArguments = { confFiles: [], confUris: [] };

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-source-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(t: TestContext, handler: Handler): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function only(args: Partial<SourceArguments>): ReturnType<typeof configSources>['sources'][number] {
  const { sources, problems } = configSources({ ...none, ...args });
  const [source] = sources;
  if (!source || sources.length > 1) throw new Error(`${sources.length} sources; ${problems.map(({ sentence }) => sentence).join(', ')}`);
  return source;
}

test('files are read, changed ones look different, and what is wrong with others is said', async (t) => {
  const path = join(await folder(t), 'a.conf');
  await writeFile(path, LISTS);
  const source = only({ confFiles: [path] });
  assert.equal((await source.read()).toString(), LISTS);
  const seen = await source.look();
  assert.equal(await source.look(), seen);
  await writeFile(path, `${LISTS}x`);
  assert.notEqual(await source.look(), seen);
  await assert.rejects(only({ confFiles: [`${path}.no`] }).read(), /cannot read .*a\.conf\.no: there is no such file/);
  await assert.rejects(only({ confFiles: [join(path, '..')] }).read(), /it is a directory/);
});

test('C1.48 json, yaml and xml are refused by the first dot of the path; unknown schemes by name', async (t) => {
  const directory = await folder(t);
  const messages = (args: Partial<SourceArguments>): string => configSources({ ...none, ...args }).problems.map(({ sentence }) => sentence).join('\n');
  assert.match(messages({ confFiles: [join(directory, 'x.json')] }), /in json are not read/);
  assert.equal(messages({ confFiles: [join(directory, 'v1.11/x.json')] }), '');
  assert.match(messages({ confUris: ['ftp://u:p@x/y'] }), /"ftp:" addresses: ftp:\/\/\*\*\*@x\/y/);
  assert.match(messages({ confUris: ['just/a/path'] }), /is no address/);
  assert.match(messages({ zkConnString: 'h:2181' }), /ZooKeeper .* not there yet/);
  assert.match(messages({}), /no configuration/);
});

test('C2.6 addresses put files out of use', async (t) => {
  const path = join(await folder(t), 'good.conf');
  await writeFile(path, LISTS);
  assert.equal(only({ confFiles: ['/missing'], confUris: [`file://${path}`] }).name, path);
});

test('C1.29 classpath: in all its spellings is looked for in the configuration directory', async (t) => {
  const confDirectory = await folder(t);
  await mkdir(join(confDirectory, 'sub'));
  await writeFile(join(confDirectory, 'sub/a.properties'), LISTS);
  for (const uri of ['classpath:/sub/a.properties', 'classpath:///sub/a.properties', 'classpath://sub/a.properties', 'classpath:sub/a.properties']) {
    assert.equal((await only({ confUris: [uri], confDirectory }).read()).toString(), LISTS, uri);
  }
  await assert.rejects(only({ confUris: ['classpath:/nope'], confDirectory }).read(), /there is no .*nope/);
});

test('C1.30 C1.46 http: login, conditional requests with a correct date, not modified, modified', async (t) => {
  const seen: (string | undefined)[][] = [];
  let text = LISTS;
  let modified = 'Mon, 03 Jun 2024 11:05:30 GMT';
  const url = await serve(t, (request, response) => {
    seen.push([request.headers.authorization, request.headers['if-modified-since'], request.headers['content-type'], request.method]);
    if (request.headers.authorization !== 'Basic dTpw') response.writeHead(401).end();
    else if (request.headers['if-modified-since'] === modified) response.writeHead(304).end();
    else response.writeHead(200, { 'Last-Modified': modified }).end(text);
  });
  await assert.rejects(only({ confUris: [`${url}/a.properties`] }).read(), /another user or password \(401\)/);
  const source = only({ confUris: [`${url}/a.properties`], confUser: 'u', confPassword: 'p' });
  const look = await source.look();
  assert.equal(await source.look(), look);
  assert.equal((await source.read()).toString(), LISTS);
  assert.deepEqual(seen.at(-1), ['Basic dTpw', modified, 'text/x-java-properties', 'GET']);
  [text, modified] = [`${LISTS}# new\n`, 'Tue, 04 Jun 2024 11:05:30 GMT'];
  assert.notEqual(await source.look(), look);
});

test('C1.46 a server without Last-Modified: the same body is no change', async (t) => {
  let text = 'a = 1\n';
  const url = await serve(t, (_request, response) => response.end(text));
  const source = only({ confUris: [`${url}/x`] });
  const look = await source.look();
  assert.equal(await source.look(), look);
  text = 'a = 2\n';
  assert.notEqual(await source.look(), look);
});

test('a login in the address is used and never shown', async (t) => {
  const url = await serve(t, ({ headers }, response) => response.writeHead(headers.authorization === 'Basic dTpw' ? 404 : 401).end());
  const source = only({ confUris: [url.replace('//', '//u:p@')] });
  assert.equal(source.name.includes('u:p'), false);
  await assert.rejects(source.read(), (error: Error) => /\(404\)/.test(error.message) && !error.message.includes('u:p'));
});

test('X14 redirections stay on the configured origin, and the login too', async (t) => {
  const asked: string[] = [];
  const other = await serve(t, (request, response) => {
    asked.push(String(request.headers.authorization));
    response.end(LISTS);
  });
  const url = await serve(t, (request, response) => {
    const targets: Record<string, string> = { '/same': '/end', '/other': `${other}/x`, '/file': 'file:///etc/passwd', '/meta': 'http://169.254.169.254/', '/loop': '/loop' };
    const target = targets[request.url ?? ''];
    if (target === undefined) response.end(LISTS);
    else response.writeHead(302, { Location: target }).end();
  });
  const read = (path: string): Promise<Buffer> => only({ confUris: [url + path], confUser: 'u', confPassword: 'p' }).read();
  assert.equal((await read('/same')).toString(), LISTS);
  for (const path of ['/other', '/file', '/meta']) await assert.rejects(read(path), /configured host only/, path);
  await assert.rejects(read('/loop'), /more than 5 times/);
  assert.deepEqual(asked, []);
});

test('X14 plain http is warned of unless it stays on this machine', () => {
  const severities = (uri: string): readonly string[] => configSources({ ...none, confUris: [uri] }).problems.map(({ severity }) => severity);
  assert.deepEqual(severities('http://conf.example/a.properties'), ['warning']);
  assert.deepEqual(severities('https://conf.example/a.properties'), []);
  assert.deepEqual(severities('http://localhost/a.properties'), []);
});

test('C1.45 the backup keeps expressions as written, for the owner only, and reads back the same', async (t) => {
  const directory = join(await folder(t), 'backup');
  const text = 'a1.x = ${env:SECRET}\na1.tricky\\ \\=key = \\ a\\\\b\\u00e9\\u0001 # c\n';
  const { effective } = await planTexts([text], 'millrace', { env: { SECRET: 'planted' } });
  await writeBackup(directory, 'a1', effective);
  const path = backupPath(directory, 'a1');
  assert.equal(path, join(directory, '.a1.properties'));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await readFile(path, 'latin1')).includes('planted'), false);
  const bytes = await readBackup(directory, 'a1');
  const again = await planTexts([bytes as Buffer], 'millrace', { env: { SECRET: 'planted' } });
  assert.deepEqual([...again.effective.reader.entries()], [...effective.reader.entries()]);
  assert.equal(await readBackup(directory, 'other'), undefined);
});

test('G10 a file that everybody may write to is noticed', async (t) => {
  const path = join(await folder(t), 'a.conf');
  await writeFile(path, LISTS);
  await chmod(path, 0o666);
  const source = only({ confFiles: [path] });
  await source.read();
  assert.equal(source.writableByAll, true);
});
