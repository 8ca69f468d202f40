import assert from 'node:assert/strict';
import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { StoreError, type Outcome } from '../../../../sinks/hdfs/file-store.ts';
import { webHdfsClient } from '../../../../sinks/hdfs/webhdfs-client.ts';
import { redirectionRefusal, WebHdfsStore } from '../../../../sinks/hdfs/webhdfs-store.ts';

/** Loopback servers that play NameNode and DataNode, with every answer to order. */

interface Call {
  readonly method: string;
  readonly url: URL;
  readonly body: Buffer;
}
type Answer = { readonly status: number; readonly body?: unknown; readonly location?: string } | 'nothing' | 'cut';

const servers: Server[] = [];
const agent = new Agent({ keepAlive: true });
const never = new AbortController().signal;
after(() => {
  agent.destroy();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(answer: (call: Call) => Answer): Promise<{ address: string; calls: Call[] }> {
  const calls: Call[] = [];
  const listener = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const call = { method: request.method ?? '', url: new URL(request.url ?? '', 'http://x'), body: Buffer.concat(parts) };
    calls.push(call);
    const said = answer(call);
    if (said === 'nothing') return;
    if (said === 'cut') return void response.destroy();
    response.writeHead(said.status, { 'content-type': 'application/json', ...(said.location !== undefined && { location: said.location }) });
    response.end(said.body === undefined ? '' : JSON.stringify(said.body));
  };
  const server = createServer((request, response) => void listener(request, response));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

function remote(exception: string, status = 403): Answer {
  return { status, body: { RemoteException: { exception, message: `${exception} for a test\n\tat java.lang.Thread` } } };
}

/** A NameNode that sends every write to the DataNode. */
function sendsTo(dataNode: string): (call: Call) => Answer {
  return ({ url }) => ({ status: 307, location: `${dataNode}${url.pathname}${url.search}` });
}

async function storeAt(addresses: readonly string[], more: { delegationToken?: string; timeoutMs?: number } = {}): Promise<WebHdfsStore> {
  const clients = await Promise.all(
    addresses.map((address) =>
      webHdfsClient({ address, user: 'flume', timeoutMs: 2000, agent, refusal: (location) => redirectionRefusal(new URL(address), location, []), ...more }),
    ),
  );
  return new WebHdfsStore(clients, { replication: '2' }, () => undefined);
}

async function outcomeOf(work: Promise<unknown>): Promise<[Outcome, string]> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StoreError, String(error));
  return [error.outcome, error.message];
}

test('a file is made in two steps; every part of its path is encoded, and nothing is overwritten', async () => {
  const dataNode = await serve(() => ({ status: 201 }));
  const nameNode = await serve(sendsTo(dataNode.address));
  const store = await storeAt([nameNode.address]);
  const bytes = Buffer.alloc(3_000_000, 'x');
  await store.create('/a b/ü+%&?#/f.1.tmp', bytes, never);
  const [asked] = nameNode.calls;
  assert.equal(asked?.method, 'PUT');
  assert.equal(asked?.url.pathname, '/webhdfs/v1/a%20b/%C3%BC%2B%25%26%3F%23/f.1.tmp');
  assert.deepEqual(Object.fromEntries(asked?.url.searchParams ?? []), { op: 'CREATE', 'user.name': 'flume', overwrite: 'false', permission: '644', replication: '2' });
  assert.equal(asked?.body.length, 0);
  assert.ok(dataNode.calls[0]?.body.equals(bytes));
  await store.append('/f', 3, Buffer.from('abc'), never);
  assert.equal(dataNode.calls[1]?.method, 'POST');
  assert.equal(nameNode.calls[1]?.url.searchParams.get('op'), 'APPEND');
});

test('what the DataNode answers decides: anything but 200 and 201 is a failure, and it is unclear what is stored', async () => {
  for (const status of [502, 503, 405, 404, 307]) {
    const dataNode = await serve(() => ({ status, location: 'http://127.0.0.1:1/' }));
    const nameNode = await serve(sendsTo(dataNode.address));
    assert.equal((await outcomeOf((await storeAt([nameNode.address])).append('/f', 0, Buffer.from('a'), never)))[0], 'unclear', String(status));
  }
});

test('a connection that is cut in place of an answer: unclear behind the DataNode, nothing stored before it', async () => {
  const cut = await serve(() => 'cut');
  const nameNode = await serve(sendsTo(cut.address));
  const store = await storeAt([nameNode.address]);
  assert.equal((await outcomeOf(store.append('/f', 0, Buffer.alloc(100_000), never)))[0], 'unclear');
  assert.equal(cut.calls[0]?.body.length, 100_000);
  assert.equal((await outcomeOf((await storeAt([cut.address])).append('/f', 0, Buffer.from('a'), never)))[0], 'not stored');
});

test('what the NameNode answers in place of a redirection stores nothing', async () => {
  for (const answer of [{ status: 200 }, { status: 201 }, { status: 503 }, { status: 500, body: 'no JSON' }, remote('SafeModeException')] as const) {
    const nameNode = await serve(() => answer);
    assert.equal((await outcomeOf((await storeAt([nameNode.address])).append('/f', 0, Buffer.from('a'), never)))[0], 'not stored');
  }
});

test('answers by their exceptions: there already, gone, impossible, refused before a byte was taken', async () => {
  for (const [exception, outcome] of [
    ['FileAlreadyExistsException', 'exists'],
    ['FileNotFoundException', 'gone'],
    ['InvalidPathException', 'impossible'],
    ['AlreadyBeingCreatedException', 'not stored'],
    ['RecoveryInProgressException', 'not stored'],
    ['AccessControlException', 'not stored'],
    ['IOException', 'unclear'],
  ] as const) {
    const dataNode = await serve(() => remote(exception));
    const nameNode = await serve(sendsTo(dataNode.address));
    const [seen, message] = await outcomeOf((await storeAt([nameNode.address])).create('/f', Buffer.from('a'), never));
    assert.equal(seen, outcome, exception);
    assert.match(message, new RegExp(`creating /f failed: ${nameNode.address}, DataNode 127\\.0\\.0\\.1:\\d+: ${exception}: ${exception} for a test$`));
  }
});

test('S16 a NameNode on standby, or gone, is passed over, and the other one is asked first from then on', async () => {
  const dataNode = await serve(() => ({ status: 201 }));
  const standby = await serve(() => remote('StandbyException'));
  const active = await serve(sendsTo(dataNode.address));
  const store = await storeAt(['http://127.0.0.1:1', standby.address, active.address]);
  await store.create('/f', Buffer.from('a'), never);
  await store.create('/g', Buffer.from('a'), never);
  assert.deepEqual([standby.calls.length, active.calls.length, dataNode.calls.length], [1, 2, 2]);
});

test('S16 a DataNode that refuses: the NameNode is asked for another one', async () => {
  const dataNode = await serve(() => ({ status: 201 }));
  const nameNode = await serve(({ url }) => ({ status: 307, location: `${url.searchParams.get('excludedatanodes') === '127.0.0.1:1' ? dataNode.address : 'http://127.0.0.1:1'}${url.pathname}` }));
  await (await storeAt([nameNode.address])).create('/f', Buffer.from('a'), never);
  assert.equal(dataNode.calls.length, 1);
});

test('S16 X14 a redirection to another protocol, a file or the link is not followed', async () => {
  for (const location of ['https://127.0.0.1:9/x', 'file:///etc/passwd', 'http://169.254.169.254/latest', 'no URL']) {
    const nameNode = await serve(() => ({ status: 307, location }));
    const [outcome, message] = await outcomeOf((await storeAt([nameNode.address])).create('/f', Buffer.from('secret'), never));
    assert.equal(outcome, 'not stored');
    assert.match(message, /another place, which is not followed/);
  }
});

test('renaming: "false" is looked into, and what an earlier call had done counts as done', async () => {
  const there = new Map([['/to', true]]);
  const nameNode = await serve(({ url }) => {
    if (url.searchParams.get('op') === 'RENAME') return { status: 200, body: { boolean: false } };
    return there.get(url.pathname.replace('/webhdfs/v1', '')) ? { status: 200, body: { FileStatus: { length: 5, type: 'FILE' } } } : remote('FileNotFoundException', 404);
  });
  const store = await storeAt([nameNode.address]);
  assert.equal(await store.rename('/from', '/to'), true);
  there.set('/from', true);
  assert.equal(await store.rename('/from', '/to'), false);
  there.clear();
  assert.equal((await outcomeOf(store.rename('/from', '/to')))[0], 'gone');
  assert.equal(await store.length('/from'), undefined);
});

test('cutting: done, or not yet', async () => {
  let done = false;
  const nameNode = await serve(() => ({ status: 200, body: { boolean: done } }));
  const store = await storeAt([nameNode.address]);
  assert.equal(await store.cut('/f', 7), false);
  done = true;
  assert.equal(await store.cut('/f', 7), true);
  assert.deepEqual([nameNode.calls[0]?.method, nameNode.calls[0]?.url.searchParams.get('newlength')], ['POST', '7']);
});

test('S2 no answer: given up in time, whichever of the two does not answer; a signal ends it at once', async () => {
  const silent = await serve(() => 'nothing');
  assert.match((await outcomeOf((await storeAt([silent.address], { timeoutMs: 100 })).create('/f', Buffer.from('a'), never))).join(), /^not stored,.*100 ms|TIMEDOUT/);
  const nameNode = await serve(sendsTo(silent.address));
  const store = await storeAt([nameNode.address], { timeoutMs: 100 });
  assert.match((await outcomeOf(store.append('/f', 0, Buffer.from('a'), never))).join(), /^unclear,/);
  const stop = new AbortController();
  const written = (await storeAt([nameNode.address], { timeoutMs: 60_000 })).append('/f', 0, Buffer.from('a'), stop.signal);
  setTimeout(() => stop.abort(), 20);
  assert.equal((await outcomeOf(written))[0], 'unclear');
});

test('X15 a delegation token stands in place of the user, and in no message', async () => {
  const nameNode = await serve(() => remote('InvalidToken'));
  const store = await storeAt([nameNode.address], { delegationToken: 'tok-en+1' });
  const [, message] = await outcomeOf(store.create('/f', Buffer.from('a'), never));
  assert.deepEqual([nameNode.calls[0]?.url.searchParams.get('delegation'), nameNode.calls[0]?.url.searchParams.get('user.name')], ['tok-en+1', null]);
  assert.doesNotMatch(message, /tok-en/);
});
