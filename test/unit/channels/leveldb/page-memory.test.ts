import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileChannel } from '../../../../channels/leveldb/index.ts';
import { Page, PageMemory } from '../../../../channels/leveldb/page-memory.ts';
import { Batch } from '../../../../core/batch.ts';
import type { Transaction } from '../../../../core/component.ts';
import { create, FakeContext, never } from '../../../conformance/fakes.ts';

const top = mkdtempSync(join(tmpdir(), 'millrace-pages-'));
after(() => rmSync(top, { recursive: true, force: true }));

describe('memory of pages', () => {
  test('a page comes again once all of its events are done with and nobody looks at one of them', () => {
    const fresh: number[] = [];
    const memory = new PageMemory(1000, (bytes) => fresh.push(bytes));
    assert.equal(memory.take(100), undefined);
    const first = memory.take(1000) as Buffer;
    const page = new Page(memory, first.buffer);
    page.holds(3);
    page.holds(2);
    page.done(4, true);
    assert.notEqual(memory.take(1000)?.buffer, first.buffer);
    page.done(1, true);
    assert.equal(memory.take(900)?.buffer, first.buffer);
    const kept = new Page(memory, first.buffer);
    kept.holds(2);
    kept.done(1, false);
    kept.done(1, true);
    assert.notEqual(memory.take(1000)?.buffer, first.buffer);
    assert.deepEqual(fresh, [1000, 1000, 1000]);
  });

  for (const withHeaders of [false, true]) {
    test(`a backlog comes out as it went in${withHeaders ? ', headers too' : ''}, whoever releases its batches, rolls back or holds on to them`, async () => {
      const directory = join(top, String(withHeaders));
      const channel = await create(fileChannel, { checkpointDir: join(directory, 'c'), dataDirs: join(directory, 'd'), minimumRequiredSpace: '0' }, new FakeContext());
      await channel.start();
      const events = 60_000;
      const bodyOf = (number: number): string => `${String(number).padStart(6, '0')}${'x'.repeat(150)}`;
      for (let from = 0; from < events; from += 500) {
        await channel.put(
          Batch.of(
            Array.from({ length: 500 }, (_, index) => ({ headers: new Map(withHeaders ? [['n', `${from + index}`]] : []), body: Buffer.from(bodyOf(from + index)) })),
          ),
          never,
        );
      }
      let random = 7;
      const next = (most: number): number => (random = (random * 16_807) % 2_147_483_647) % most;
      const check = ({ batch }: Transaction, from: number): void => {
        for (let index = 0; index < batch.size; index++) {
          assert.equal(batch.body(index).toString('latin1'), bodyOf(from + index));
          if (withHeaders) assert.equal(batch.header(index, 'n'), `${from + index}`);
        }
      };
      // Lent and not released: these must stay as they are, whatever is read behind them.
      const held: { readonly transaction: Transaction; readonly from: number }[] = [];
      for (let at = 0; at < events; ) {
        const transaction = (await channel.take(1 + next(1500), never)) as Transaction;
        check(transaction, at);
        const way = next(10);
        if (way === 0) {
          await transaction.rollback();
          held.push({ transaction, from: at });
          continue;
        }
        if (way === 1) held.push({ transaction, from: at });
        await transaction.commit(way > 1);
        at += transaction.batch.size;
      }
      assert.ok(held.length > 10);
      for (const { transaction, from } of held) check(transaction, from);
      await channel.stop();
    });
  }
});
