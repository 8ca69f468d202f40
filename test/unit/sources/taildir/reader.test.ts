import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Origin } from '../../../../core/component.ts';
import { compileJavaRegex } from '../../../../core/java-regex.ts';
import type { FileFacts, TailHandle } from '../../../../io/tail-files.ts';
import { Deliveries } from '../../../../sources/taildir/deliveries.ts';
import { Reader, type ReaderRules } from '../../../../sources/taildir/reader.ts';
import { TailFile } from '../../../../sources/taildir/tail-file.ts';
import { FakeSourceContext } from '../../../conformance/fakes.ts';

const RULES: ReaderRules = {
  maxLineBytes: 10_000_000,
  longLines: 'split',
  firstLine: undefined,
  maxEventLines: 1000,
  batchSize: 100,
  mostEvents: Infinity,
  byteOffsetHeader: false,
  numbered: false,
  fileHeader: undefined,
};

/** A file in memory that may give fewer bytes at a time than it is asked for. */
class MemoryFile implements TailHandle {
  content = Buffer.alloc(0);
  most = Infinity;
  modified = 0n;

  facts(): FileFacts {
    return { device: 1n, inode: 1n, bornNs: 1n, changedNs: 0n, modifiedNs: this.modified, size: this.content.length, links: 1, owner: 0, isFile: true };
  }

  readNow(into: Buffer, offset: number, length: number, position: number): number {
    return this.content.copy(into, offset, position, position + Math.min(length, this.most));
  }

  read(into: Buffer, offset: number, length: number, position: number): Promise<number> {
    return Promise.resolve(this.content.copy(into, offset, position, position + length));
  }

  path(): undefined {
    return undefined;
  }

  close(): void {}

  append(bytes: Buffer): void {
    this.content = Buffer.concat([this.content, bytes]);
    this.modified++;
  }
}

function readerOver(rules: Partial<ReaderRules> = {}): { context: FakeSourceContext; reader: Reader; deliveries: Deliveries } {
  const context = new FakeSourceContext();
  const deliveries = new Deliveries(context, 100_000_000, new AbortController().signal);
  return { context, deliveries, reader: new Reader(context, { ...RULES, ...rules }, deliveries) };
}

async function readAll(reader: Reader, file: TailFile, handle: TailHandle, closed = false): Promise<string> {
  for (;;) {
    const outcome = await reader.readOn(file, handle, closed);
    if (outcome !== 'more') return outcome;
  }
}

/** What Flume would make of whole lines: split at line feeds, one carriage return before each left out. */
function linesOf(content: Buffer): string[] {
  const lines = content.toString('latin1').split('\n').slice(0, -1);
  return lines.map((line) => line.replace(/\r$/, ''));
}

const latin1 = (context: FakeSourceContext): string[] => context.delivered.flatMap((batch) => Array.from({ length: batch.size }, (_, index) => batch.body(index).toString('latin1')));

describe('reader of a followed file', () => {
  test('T16 any content in any pieces, with restarts from the stored position: each whole line once, byte for byte', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom('\n', '\r\n', '\r', 'é\n', '\n\n').map((text) => Buffer.from(text)),
      fc.integer({ min: 1, max: 400_000 }).map((length) => Buffer.alloc(length, 'x')),
    );
    const step = fc.oneof({ weight: 8, arbitrary: piece }, { weight: 1, arbitrary: fc.constant('restart' as const) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5000 }), async (steps, batchSize, most) => {
        const { context, reader } = readerOver({ batchSize });
        const handle = new MemoryFile();
        handle.most = most;
        let file = new TailFile({ device: 1n, inode: 1n, bornNs: 1n }, 0);
        for (const each of steps) {
          if (each === 'restart') {
            const { stored } = file;
            file = new TailFile(file.identity, 0);
            file.beginAt(stored);
          } else {
            handle.append(each);
          }
          assert.equal(await readAll(reader, file, handle), 'end');
          await Promise.resolve();
        }
        assert.deepEqual(latin1(context), linesOf(handle.content));
        assert.equal(file.stored.position, handle.content.lastIndexOf(10) + 1);
      }),
      { numRuns: 150 },
    );
  });

  test('numbered lines have the place where they end for a number, under a name that goes with the content', async () => {
    const { context, reader, deliveries } = readerOver({ numbered: true, batchSize: 2 });
    const named: (string | undefined)[] = [];
    deliveries.named = ({ content }) => named.push(content);
    const origins: (Origin | undefined)[] = [];
    const deliver = context.deliver.bind(context);
    context.deliver = (batch, options) => {
      origins.push(batch.origin);
      return deliver(batch, options);
    };
    const handle = new MemoryFile();
    const file = new TailFile({ device: 1n, inode: 1n, bornNs: 1n }, 0);
    handle.append(Buffer.from('\nab\n\r\nc\nunfinished'));
    await readAll(reader, file, handle);
    const store = file.content as string;
    assert.deepEqual(origins.splice(0), [{ store, spans: [[0, 1], [3, 4]], settled: 0 }, { store, spans: [[4, 5], [7, 8]], settled: 0 }]);
    await new Promise((resolve) => setImmediate(resolve));
    handle.append(Buffer.from('!\n'));
    await readAll(reader, file, handle);
    assert.deepEqual(origins, [{ store, spans: [[19, 20]], settled: 8 }]);
    file.beginAnew();
    await readAll(reader, file, handle);
    assert.notEqual(file.content, store);
    assert.deepEqual(named, [store, file.content]);
  });

  test('T7 other bytes in front of the position, at the beginning or just before it, are noticed', async () => {
    const { reader } = readerOver();
    const handle = new MemoryFile();
    handle.append(Buffer.from('a line of text\n'.repeat(500)));
    const file = new TailFile({ device: 1n, inode: 1n, bornNs: 1n }, 0);
    await readAll(reader, file, handle);
    for (const at of [0, 1023, 7400]) {
      const changed = new MemoryFile();
      changed.content = Buffer.concat([handle.content, Buffer.from('more\n')]);
      changed.content[at] = 33;
      assert.equal(await reader.readOn(file, changed, false), 'changed', String(at));
    }
    const shorter = new MemoryFile();
    shorter.append(Buffer.from('a line'));
    assert.equal(await reader.readOn(file, shorter, false), 'shrunk');
  });

  test('multiline: lines up to the next first line are one event; the last one waits', async () => {
    const { context, reader } = readerOver({ firstLine: compileJavaRegex('^\\d'), maxEventLines: 4 });
    const handle = new MemoryFile();
    const file = new TailFile({ device: 1n, inode: 1n, bornNs: 1n }, 0);
    handle.append(Buffer.from('1 first\n  at a\n  at b\r\n2 second\n3 third\n  at c\n'));
    assert.equal(await readAll(reader, file, handle), 'held');
    assert.deepEqual(context.bodies, ['1 first\n  at a\n  at b', '2 second']);
    handle.append(Buffer.from('  at d\n  half'));
    assert.equal(await readAll(reader, file, handle), 'held');
    assert.equal(await readAll(reader, file, handle, true), 'end');
    assert.deepEqual(context.bodies.slice(2), ['3 third\n  at c\n  at d']);
    handle.append(Buffer.from(' line\n1\n2\n3\n4\n5\n'.replace(/\d/g, 'x')));
    await readAll(reader, file, handle, true);
    assert.deepEqual(context.bodies.slice(3), ['  half line\nx\nx\nx', 'x\nx']);
  });

  test('T17 a long line that grows in small steps is searched once, and is whole in the end', async () => {
    const { context, reader } = readerOver();
    const handle = new MemoryFile();
    const file = new TailFile({ device: 1n, inode: 1n, bornNs: 1n }, 0);
    for (let step = 0; step < 40; step++) {
      handle.append(Buffer.alloc(50_000, 'y'));
      assert.equal(await readAll(reader, file, handle), 'end');
    }
    handle.append(Buffer.from('\nnext\n'));
    await readAll(reader, file, handle);
    assert.deepEqual(context.bodies.map(({ length }) => length), [2_000_000, 4]);
  });

  test('longLines: split at characters, cut, or left out; counted', async () => {
    for (const [longLines, expected] of [['split', ['aé', 'éé', 'b', 'ok']], ['cut', ['aé', 'ok']], ['skip', ['ok']]] as const) {
      const { context, reader } = readerOver({ longLines, maxLineBytes: 4 });
      const handle = new MemoryFile();
      const file = new TailFile({ device: 1n, inode: 1n, bornNs: 1n }, 0);
      handle.append(Buffer.from('aééé'));
      await readAll(reader, file, handle);
      handle.append(Buffer.from('b\nok\n'));
      await readAll(reader, file, handle);
      assert.deepEqual(context.bodies, expected, longLines);
      assert.ok(context.counted('LineTooLongCount') > 0);
    }
  });

  test('a rest that nobody will end is sent once', async () => {
    const { context, reader } = readerOver({ byteOffsetHeader: true });
    const handle = new MemoryFile();
    const file = new TailFile({ device: 1n, inode: 1n, bornNs: 1n }, 0);
    handle.append(Buffer.from('whole\nrest'));
    await readAll(reader, file, handle);
    assert.equal(reader.sendRest(file, handle), true);
    assert.equal(reader.sendRest(file, handle), false);
    assert.deepEqual(context.bodies, ['whole', 'rest']);
    assert.equal(context.delivered[1]?.header(0, 'byteoffset'), '6');
  });
});
