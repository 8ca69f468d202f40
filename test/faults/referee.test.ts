import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../harness/agent.ts';
import { Bitmap } from './referee/bitmap.ts';
import { Bodies, LENGTHS } from './referee/bodies.ts';
import { FileWriter } from './referee/file-writer.ts';
import { CLEAN, harmOf, Referee, type Conclusion } from './referee/referee.ts';
import { RolledFiles } from './referee/rolled-files.ts';
import { TcpLines } from './referee/tcp-sender.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-referee-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('bodies', () => {
  for (const lengths of LENGTHS) {
    test(`${lengths}: each reads as its number, and as no other`, () => {
      const bodies = new Bodies(lengths);
      const found = new Set<string>();
      for (let number = 0; number < 12_200; number++) {
        const body = bodies.bodyOf(7, number);
        assert.equal(body.length, bodies.lengthOf(7, number));
        assert.ok(!body.includes(10));
        const reading = bodies.read(body);
        assert.deepEqual(reading, body.length < 2 ? { kind: 'plain', length: body.length } : { kind: 'whole', sender: 7, number });
        found.add(String(body.length));
        if (body.length < 2) continue;
        const changed = Buffer.from(body);
        changed[changed.length - 1 - (number % 3)] = (changed[changed.length - 1 - (number % 3)] as number) ^ 1;
        assert.notEqual(bodies.read(changed).kind, 'whole');
        assert.notEqual(bodies.read(body.subarray(0, -1)).kind, 'whole');
        assert.ok(bodies.canBegin(body.subarray(0, number % body.length)));
      }
      assert.equal(found.has('0') && found.has('1'), !lengths.startsWith('numbered'));
      assert.equal(found.has('65535') && found.has('65536') && found.has('1048577') && found.has('4194305'), lengths.endsWith('edges'));
    });
  }
});

test('a bitmap knows what is in one and not in the other, far up as well', () => {
  const one = new Bitmap();
  const other = new Bitmap();
  for (const number of [0, 7, 8, 1_048_575, 1_048_576, 99_999_999]) assert.ok(one.mark(number));
  assert.equal(one.mark(8), false);
  other.mark(7);
  other.mark(3_000_000);
  assert.deepEqual([...one.without(other)], [0, 8, 1_048_575, 1_048_576, 99_999_999]);
  assert.equal(one.count, 6);
});

/** A stand-in for the agent: answers lines with OK and writes them to a file, in the way that a test spoils. */
async function standIn(t: TestContext, file: string, spoil: (line: string, index: number, socket: Socket) => { answer?: string; out: string[] }): Promise<number> {
  let index = 0;
  const server: Server = createServer((socket) => {
    let rest = '';
    socket.on('error', () => undefined);
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      let out = '';
      let answers = '';
      for (const line of lines) {
        if (socket.destroyed) break;
        const done = spoil(line, index++, socket);
        out += done.out.map((each) => `${each}\n`).join('');
        answers += done.answer === undefined ? '' : `${done.answer}\n`;
      }
      appendFileSync(file, out, 'latin1');
      if (!socket.destroyed) socket.write(answers);
    });
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await until('listening', () => server.listening);
  return (server.address() as AddressInfo).port;
}

async function play(t: TestContext, spoil: Parameters<typeof standIn>[2], events = 1000): Promise<Conclusion> {
  const folder = folderOf(t);
  const port = await standIn(t, join(folder, 'out-1'), spoil);
  const referee = new Referee();
  t.after(() => referee.close());
  referee.collect(new RolledFiles(folder));
  referee.send(new TcpLines({ port, window: 100 }), { events });
  return referee.conclude({ stalledAfterMs: 500 });
}

const fine = (line: string): { answer: string; out: string[] } => ({ answer: 'OK', out: [line] });

describe('what the referee finds', () => {
  test('nothing where nothing is wrong', async (t) => {
    const conclusion = await play(t, fine);
    assert.deepEqual(harmOf(conclusion), CLEAN);
    const { duplicates, repeated, torn, delivered, sent, acknowledged } = conclusion;
    assert.deepEqual({ duplicates, repeated, torn }, { duplicates: 0, repeated: 0, torn: 0 });
    assert.ok(delivered === sent && acknowledged === sent);
  });
  test('an event that is acknowledged and not delivered is lost', async (t) => {
    const { lost, examples } = await play(t, (line) => ({ answer: 'OK', out: line.startsWith('0.5:') || line === '.' ? [] : [line] }), 10);
    assert.equal(lost, 2);
    assert.ok(examples.includes('lost: 0.5'));
  });
  test('one that is delivered twice is a duplicate, unless the sender sent it twice', async (t) => {
    const twice = await play(t, (line, index) => ({ answer: 'OK', out: index === 30 ? [line, line] : [line] }));
    assert.equal(twice.duplicates, 1);
    let refused = false;
    const again = await play(t, (line, index) => {
      if (index !== 30 || refused) return fine(line);
      refused = true;
      return { answer: 'FAILED', out: [line] };
    });
    assert.deepEqual([again.duplicates, again.repeated, harmOf(again)], [0, 1, CLEAN]);
  });
  test('one whose answer got lost with the connection is sent again', async (t) => {
    const result = await play(t, (line, index, socket) => {
      if (index === 333) socket.destroy();
      return fine(line);
    });
    assert.deepEqual([harmOf(result), result.duplicates, result.repeated > 0], [CLEAN, 0, true]);
  });
  test('one with another byte is altered, one that was never sent is invented', async (t) => {
    const { altered, invented, lost } = await play(t, (line, index) => ({ answer: 'OK', out: index === 30 ? [`${line.slice(0, -1)}!`] : index === 31 ? [line, '0.999999:abc', 'nonsense'] : [line] }));
    assert.deepEqual([altered, invented, lost], [2, 1, 1]);
  });
  test('two that changed places are out of order', async (t) => {
    let kept = '';
    const { outOfOrder } = await play(t, (line, index) => {
      if (index === 30) kept = line;
      return { answer: 'OK', out: index === 30 ? [] : index === 31 ? [line, kept] : [line] };
    });
    assert.equal(outOfOrder, 1);
  });
  test('one that never comes out, and one that is never answered, are a stall', async (t) => {
    const stuck = await play(t, (line, index) => ({ answer: 'OK', out: index > 500 ? [] : [line] }));
    assert.ok(stuck.stalled && stuck.lost > 490);
    assert.ok((await play(t, (line, index) => (index > 500 ? { out: [line] } : fine(line)))).stalled);
  });
});

test('a file written by a sink that is killed, and cut back after a failure, is read rightly', async (t) => {
  const folder = folderOf(t);
  const out = join(folder, 'out-1');
  const referee = new Referee();
  referee.collect(new RolledFiles(folder));
  const ledger = referee.account.open();
  const bodies = Array.from({ length: 3 }, () => ledger.bodies.bodyOf(0, ledger.take() ?? 0).toString());
  for (const number of [0, 1, 2]) ledger.acknowledge(number);
  writeFileSync(out, `${bodies[0]}\n${bodies[1]?.slice(0, 5)}`);
  assert.equal((await referee.look()).distinct, 1);
  truncateSync(out, 0);
  assert.equal((await referee.look()).distinct, 0);
  appendFileSync(out, `${bodies[1]}\n${bodies[2]?.slice(0, 5)}`);
  appendFileSync(join(folder, 'out-2'), `${bodies[2]}\n${bodies[0]}\n`);
  const { torn, altered, lost, outOfOrder } = await referee.conclude({ fresh: false, stalledAfterMs: 100 });
  assert.deepEqual({ torn, altered, lost, outOfOrder }, { torn: 1, altered: 0, lost: 0, outOfOrder: 1 });
});

test('what is written to a file counts as acknowledged, through rotations', async (t) => {
  const folder = folderOf(t);
  const referee = new Referee({ lengths: 'edges' });
  const writer = new FileWriter(join(folder, 'log'));
  referee.collect(new RolledFiles(folder));
  const sender = referee.send(writer, { events: 5000, perSecond: 20_000 });
  await until('half of it', () => sender.acknowledged > 2000);
  writer.rotate(join(folder, 'a-log.1'));
  const conclusion = await referee.conclude({ stalledAfterMs: 500 });
  assert.deepEqual(harmOf(conclusion), CLEAN);
  assert.equal(conclusion.acknowledged, conclusion.sent);
});
