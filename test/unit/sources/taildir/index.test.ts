import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { tailFiles, type TailFiles } from '../../../../io/tail-files.ts';
import { taildirSource } from '../../../../sources/taildir/index.ts';
import { eventually } from '../../../conformance/fakes.ts';
import { problemsOf } from '../../recording-context.ts';
import { TailRig } from './rig.ts';

describe('taildir source, beyond Flume', { concurrency: 4 }, () => {
  test('headers made of what the pattern matched, and names that are left out', async (t) => {
    const rig = new TailRig(t, {
      'filegroups.f1': '@LOGS@/(?<app>\\w+)-(\\d+)\\.log.*',
      'captureHeaders.f1.service': '$1',
      'captureHeaders.f1.both': '${app}/$2',
      'excludes.f1': '.*\\.bak',
    });
    rig.write('web-7.log', 'one\n');
    rig.write('web-8.log.bak', 'left out\n');
    await rig.start();
    assert.deepEqual(await rig.events(1), ['one']);
    assert.deepEqual(rig.headers(), [{ service: 'web', both: 'web/7' }]);
  });

  test('multiline: a stack trace is one event, and the last one comes after the time-out', async (t) => {
    const rig = new TailRig(t, { 'multiline.firstLine': '^\\S', 'multiline.timeoutMs': '400' });
    rig.write('app.log', 'first\n  at a\n  at b\nsecond\n  at c\n');
    await rig.start();
    assert.deepEqual(await rig.events(2), ['first\n  at a\n  at b', 'second\n  at c']);
  });

  for (const [kind, pack] of [['gzip', gzipSync], ['zstd', zstdCompressSync]] as const) {
    test(`T20 compressed = read: a ${kind} file once, without what was read of it before; half a file waits`, async (t) => {
      const rig = new TailRig(t, { compressed: 'read', fileHeader: 'true' });
      const text = Array.from({ length: 30_000 }, (_, index) => `line ${index}\n`).join('');
      rig.write('app.log.1', text);
      await rig.start();
      await rig.events(30_000);
      const packed = pack(Buffer.from(`${text}more\nlast`));
      rig.write('app.log.1.x', packed.subarray(0, packed.length - 20));
      rmSync(rig.path('app.log.1'));
      await sleep(1500);
      rig.append('app.log.1.x', packed.subarray(packed.length - 20));
      rig.write('other.x', pack(Buffer.from('one\ntwo\n')));
      assert.deepEqual((await rig.events(30_004)).slice(30_000).toSorted(), ['last', 'more', 'one', 'two']);
      await rig.restart();
      await sleep(1500);
      assert.equal(rig.bodies.length, 30_004);
      assert.deepEqual(rig.positions().map(({ pos }) => pos).toSorted((a, b) => a - b), [statSync(rig.path('other.x')).size, packed.length].toSorted((a, b) => a - b));
    });
  }

  test('names that are not text are read under their true bytes', async (t) => {
    const rig = new TailRig(t, { fileHeader: 'true' });
    writeFileSync(Buffer.concat([Buffer.from(`${rig.logs}/caf`), Buffer.from([0xe9])]), 'latin\n');
    await rig.start();
    assert.deepEqual(await rig.events(1), ['latin']);
    assert.equal(rig.headers()[0]?.['file'], `${rig.logs}/caf\ufffd`);
  });

  test('positions are taken over from a Flume whose file was renamed meanwhile', async (t) => {
    const rig = new TailRig(t);
    rig.write('app.log', 'one\ntwo\n');
    mkdirSync(join(rig.folder, 'positions'));
    writeFileSync(rig.positionFile, `[{"inode":${statSync(rig.path('app.log')).ino},"pos":4,"file":"${rig.path('app.log')}"}]`);
    renameSync(rig.path('app.log'), rig.path('app.log.1'));
    await rig.start();
    assert.deepEqual(await rig.events(1), ['two']);
  });

  test('a file that was renamed out of its pattern while nothing ran is read to its end', async (t) => {
    const rig = new TailRig(t, { 'filegroups.f1': '@LOGS@/app\\.log' });
    rig.write('app.log', 'one\n');
    await rig.start();
    await rig.events(1);
    await rig.stop();
    rig.append('app.log', 'two\n');
    renameSync(rig.path('app.log'), rig.path('old'));
    rig.write('app.log', 'three\n');
    await rig.start();
    assert.deepEqual((await rig.events(3)).toSorted(), ['one', 'three', 'two']);
  });

  test('a file that was moved away unread, under its headers and over a restart', async (t) => {
    const rig = new TailRig(t, { 'filegroups.f1': '@LOGS@/app\\.log', 'headers.f1.a': 'b', fileHeader: 'true' });
    rig.write('app.log', 'one\n');
    await rig.start();
    await rig.events(1);
    renameSync(rig.path('app.log'), join(rig.folder, 'moved'));
    await sleep(400);
    await rig.stop();
    writeFileSync(join(rig.folder, 'moved'), 'one\ntwo\n');
    await rig.start();
    assert.deepEqual(await rig.events(2), ['one', 'two']);
    assert.deepEqual(rig.headers()[1], { a: 'b', file: rig.path('app.log') });
  });

  test('a position file that was deleted means a new beginning', async (t) => {
    const rig = new TailRig(t);
    rig.write('app.log', 'one\n');
    await rig.start();
    await rig.events(1);
    await rig.stop();
    rmSync(rig.positionFile);
    await rig.start();
    assert.deepEqual(await rig.events(2), ['one', 'one']);
  });

  test('T30 a size that is smaller for a while, then a handle that is stale: nothing is read again', async (t) => {
    let lie = false;
    let stale = 0;
    const lying: TailFiles = {
      ...tailFiles,
      open(path) {
        const handle = tailFiles.open(path);
        const facts = handle.facts.bind(handle);
        const readNow = handle.readNow.bind(handle);
        handle.facts = () => (lie ? { ...facts(), size: 3 } : facts());
        handle.readNow = (...args) => {
          if (stale-- > 0) throw Object.assign(new Error('ESTALE: stale file handle'), { code: 'ESTALE' });
          return readNow(...args);
        };
        return handle;
      },
      glance: (path) => {
        const seen = tailFiles.glance(path);
        return seen && lie ? { ...seen, size: 3 } : seen;
      },
      look: (path) => {
        const facts = tailFiles.look(path);
        return facts?.isFile === true && lie ? { ...facts, size: 3 } : facts;
      },
    };
    const rig = new TailRig(t, { watch: 'false' }, { tails: lying });
    rig.write('app.log', 'one\ntwo\n');
    await rig.start();
    await rig.events(2);
    lie = true;
    await sleep(2500);
    lie = false;
    stale = 1;
    rig.append('app.log', 'three\n');
    assert.deepEqual(await rig.events(3), ['one', 'two', 'three']);
    assert.equal(rig.context.counted('FileTruncatedCount'), 0);
  });

  test('T26 two sources of one process and one position file', async (t) => {
    const rig = new TailRig(t);
    await rig.start();
    const other = new TailRig(t, { positionFile: rig.positionFile });
    await assert.rejects(other.start(), /a1\.test\.t1 of this agent uses it/);
    await rig.stop();
    await other.start();
  });

  test('a channel that takes nothing stops the reading, and no line is lost', async (t) => {
    const rig = new TailRig(t, { batchSize: '10' });
    let open = false;
    const gate: (() => void)[] = [];
    rig.context.answer = () => (open ? Promise.resolve() : new Promise((resolve) => gate.push(resolve)));
    rig.write('app.log', `${'x'.repeat(999)}\n`.repeat(20_000));
    await rig.start();
    await eventually(() => rig.context.delivered.length > 0, 'something is offered');
    await sleep(500);
    assert.ok(rig.bodies.length < 5000, `${rig.bodies.length} lines wait`);
    open = true;
    for (const release of gate) release();
    assert.equal((await rig.events(20_000)).length, 20_000);
  });

  test('what cannot be right is said of the configuration', () => {
    const good = { filegroups: 'f1', 'filegroups.f1': '/x/.*' };
    assert.deepEqual(problemsOf(taildirSource, { ...good, 'excludes.f1': '(' }).map((text) => text.slice(0, 26)), ['refuse excludes.f1: cannot']);
    assert.equal(problemsOf(taildirSource, { ...good, maxLineBytes: '1' })[0]?.startsWith('refuse maxLineBytes'), true);
    assert.deepEqual(problemsOf(taildirSource, { ...good, linksOutside: 'follow', longLines: 'cut', readFrom: 'end' }), []);
  });
});
