import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { spoolFiles } from '../../../../io/spool-files.ts';
import { PositionFile, readPositionFile } from '../../../../sources/spooldir/position-file.ts';
import { readAvroFile } from '../../serializers/avro-file.ts';
import { SpoolFolder } from './spool-folder.ts';

const known = { target: '/var/spool/x/f1', identity: '1:2', mark: undefined };

test('SD-46 positions are told as they were stored, and a file that is opened anew goes on with the last', async (t) => {
  const path = join(new SpoolFolder(t).path, 'meta');
  const file = new PositionFile(spoolFiles, path);
  for (const offset of [0, 7, 300]) await file.store({ ...known, offset, done: 0 });
  await file.close();
  assert.deepEqual(await readPositionFile(spoolFiles, path), { ...known, offset: 300, done: 0 });
  const again = new PositionFile(spoolFiles, path);
  await again.store({ ...known, offset: 301, done: 0 });
  await again.close();
  assert.equal((await readPositionFile(spoolFiles, path))?.offset, 301);
  await again.remove();
  assert.equal(await readPositionFile(spoolFiles, path), undefined);
});

test('the file is the container that Flume writes, block by block', async (t) => {
  const path = join(new SpoolFolder(t).path, 'meta');
  const file = new PositionFile(spoolFiles, path);
  await file.store({ ...known, identity: undefined, offset: 5, done: 0 });
  await file.store({ ...known, identity: undefined, offset: 300, done: 0 });
  await file.close();
  const bytes = readFileSync(path);
  assert.equal(bytes.length, 232);
  const { metadata, blocks } = readAvroFile(bytes);
  assert.deepEqual([...metadata.keys()], ['avro.schema', 'file']);
  assert.equal(metadata.get('file'), '/var/spool/x/f1');
  assert.deepEqual(blocks.map(({ objects, data }) => [objects, data.toString('hex')]), [[1, '0a'], [1, 'd804']]);
});

test('SD-47 a position that was cut off leaves the one before it', async (t) => {
  const path = join(new SpoolFolder(t).path, 'meta');
  const file = new PositionFile(spoolFiles, path);
  for (const offset of [5, 25, 300]) await file.store({ ...known, offset, done: 0 });
  await file.close();
  const { length } = readFileSync(path);
  for (let cut = 1; cut <= 20; cut++) {
    truncateSync(path, length - cut);
    assert.equal((await readPositionFile(spoolFiles, path))?.offset, 25, `cut by ${cut}`);
  }
});

test('places in the middle of a block are kept, and a file that has grown long is begun anew', async (t) => {
  const path = join(new SpoolFolder(t).path, 'meta');
  const file = new PositionFile(spoolFiles, path);
  for (let done = 0; done < 15_000; done++) await file.store({ ...known, offset: 7, done });
  await file.close();
  assert.deepEqual(await readPositionFile(spoolFiles, path), { ...known, offset: 7, done: 14_999 });
  assert.ok(readFileSync(path).length < 300_000);
});

test('a file that holds no position is told from one that is not there', async (t) => {
  const path = join(new SpoolFolder(t).path, 'meta');
  assert.equal(await readPositionFile(spoolFiles, path), undefined);
  writeFileSync(path, 'something else');
  await assert.rejects(readPositionFile(spoolFiles, path), /no Avro container/);
});
