/** TAILDIR: what comes out and what stands in the position file. Where Flume loses or repeats lines, Millrace does not. */

import { appendFile, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../servers/daemon.ts';
import type { Chain, CompatCase, Observation } from '../side-by-side.ts';
import type { Site } from '../site.ts';

function tail(options: Readonly<Record<string, string>> = {}, sink: Readonly<Record<string, string>> = {}): Chain {
  const r1 = {
    type: 'TAILDIR',
    filegroups: 'f1',
    'filegroups.f1': '@DIR@/app\\.log.*',
    positionFile: '@DIR@/positions/p.json',
    writePosInterval: '200',
    backoffSleepIncrement: '100',
    maxBackoffSleep: '200',
    ...options,
  };
  return { r1, c1: { capacity: '10000', transactionCapacity: '1000' }, k1: sink };
}

/** Files that stay where they are, and how far they were read, once the sum of the positions is reached. */
async function positions(site: Site, sum: number): Promise<Observation[string]> {
  const path = join(site.folder, 'positions', 'p.json');
  return until(`positions of ${sum} bytes together`, async () => {
    const text = await readFile(path, 'utf8').catch(() => '');
    try {
      const entries = JSON.parse(text) as { inode: number; pos: number; file: string }[];
      if (entries.reduce((all, { pos }) => all + pos, 0) !== sum) return undefined;
      return entries.map(({ pos, file, ...rest }) => ({ pos, file, keys: Object.keys(rest).join() })).toSorted((a, b) => a.file.localeCompare(b.file));
    } catch {
      return undefined;
    }
  }, 20_000);
}

async function lines(site: Site, count: number): Promise<string> {
  return site.written((text) => text.split('\n').length > count);
}

/** Once no more comes for a while: what is repeated shows. */
async function settled(site: Site, least: number): Promise<string> {
  for (let before = await lines(site, least), quiet = 0; ; ) {
    await sleep(500);
    const now = await lines(site, least);
    quiet = now === before ? quiet + 1 : 0;
    if (quiet >= 3) return now;
    before = now;
  }
}

interface Plain {
  readonly name: string;
  readonly files: Readonly<Record<string, string | Buffer>>;
  readonly events: number;
  readonly options?: Readonly<Record<string, string>>;
  readonly bytes: number;
}

/** Files that appear while the agent runs, and are read. One after another, so that their order is known. */
function plain({ name, files, events, options = {}, bytes }: Plain): CompatCase {
  return {
    name,
    chain: tail(options),
    run: async (site) => {
      for (const [file, content] of Object.entries(files)) await site.write(file, content);
      const text = await settled(site, events);
      const all = text.split('\n').toSorted();
      const lines = all.length > 100 ? { count: all.length, first: all[1] ?? '', last: all.at(-1) ?? '' } : all;
      return { lines, positions: await positions(site, bytes) };
    },
  };
}

const plainCases: readonly CompatCase[] = [
  plain({ name: 'TAILDIR lines of one file', files: { 'app.log': 'one\ntwo\nthree\n' }, events: 3, bytes: 14 }),
  plain({ name: 'TD-06 TAILDIR an empty file', files: { 'app.log': '', 'app.log.1': 'one\n' }, events: 1, bytes: 4 }),
  plain({ name: 'TD-07 TAILDIR an unfinished line', files: { 'app.log': 'file1line1\nfile1' }, events: 1, bytes: 11 }),
  plain({ name: 'TAILDIR bytes that are no UTF-8', files: { 'app.log': Buffer.from('caf\xe9\n\xff\xfe\0x\n', 'latin1') }, events: 2, bytes: 10 }),
  plain({ name: 'TD-14 TAILDIR byteOffsetHeader', files: { 'app.log': 'file1line1\nfile1line2\nfile1line3\n' }, events: 3, bytes: 33, options: { byteOffsetHeader: 'true' } }),
  plain({ name: 'TD-21 TAILDIR fileHeader', files: { 'app.log': 'one\n' }, events: 1, bytes: 4, options: { fileHeader: 'true', fileHeaderKey: 'path' } }),
  plain({ name: 'TAILDIR all headers together', files: { 'app.log': 'one\ntwo\n' }, events: 2, bytes: 8, options: { fileHeader: 'true', byteOffsetHeader: 'true', 'headers.f1.service': 'checkout', 'headers.f1.a.b': 'dots' } }),
  plain({ name: 'TAILDIR the header of the file wins over that of the group', files: { 'app.log': 'one\n' }, events: 1, bytes: 4, options: { fileHeader: 'true', 'headers.f1.file': 'group' } }),
  plain({ name: 'TAILDIR batchSize 1', files: { 'app.log': '1\n2\n3\n4\n5\n' }, events: 5, bytes: 10, options: { batchSize: '1' } }),
  plain({ name: 'TAILDIR many lines', files: { 'app.log': Array.from({ length: 3000 }, (_, index) => `line ${index}\n`).join('') }, events: 3000, bytes: 28_890, options: { batchSize: '500' } }),
  plain({ name: 'TAILDIR a long line', files: { 'app.log': `${'x'.repeat(60_000)}\nshort\n` }, events: 2, bytes: 60_007 }),
  plain({ name: 'TAILDIR names that JSON escapes', files: { "app.log<'=&>": 'one\n' }, events: 1, bytes: 4 }),
  plain({ name: 'TAILDIR a name beyond ASCII', files: { 'app.log.ä€': 'one\n' }, events: 1, bytes: 4, options: { fileHeader: 'true' } }),
  plain({ name: 'TAILDIR a hidden file', files: { '.app.log': 'hidden\n', 'app.log': 'one\n' }, events: 2, bytes: 11, options: { 'filegroups.f1': '@DIR@/.*app.*' } }),
  plain({
    name: 'TD-17 TAILDIR groups',
    files: { 'a.log': 'a\n', 'a.log.1': 'no\n', 'b.log': 'b\n', 'c.log.yyyy-MM-01': 'c1\n', 'c.log.yyyy-MM-02': 'c2\n' },
    events: 4,
    bytes: 10,
    options: { filegroups: 'ab c none', 'filegroups.ab': '@DIR@/[ab].log', 'filegroups.c': '@DIR@/c.log.*', 'headers.ab.group': 'ab', 'headers.c.group': 'c' },
  }),
];

const growing: readonly CompatCase[] = [
  {
    name: 'TD-08 TAILDIR a file that grows, half lines and whole',
    chain: tail(),
    run: async (site) => {
      const path = await site.write('app.log', 'file1line1\nfile1');
      await lines(site, 1);
      await appendFile(path, 'line2\nfile1line3\nfile1line4');
      await lines(site, 3);
      await appendFile(path, '\n');
      return { events: await settled(site, 4), positions: await positions(site, 44) };
    },
  },
  {
    name: 'TD-28 TAILDIR directories are no files, and are not looked into',
    chain: tail({ 'filegroups.f1': '@DIR@/app.*' }),
    run: async (site) => {
      await mkdir(join(site.folder, 'app.d'));
      await writeFile(join(site.folder, 'app.d', 'app.log'), 'inner\n');
      await site.write('app.log', 'outer\n');
      return { events: await settled(site, 1), positions: await positions(site, 6) };
    },
  },
  {
    name: 'TD-31 TAILDIR emptied and shorter than before',
    chain: tail(),
    run: async (site) => {
      const path = await site.write('app.log', 'first line\n');
      await lines(site, 1);
      await positions(site, 11);
      await truncate(path, 0);
      await appendFile(path, 'ab\n');
      return { events: await settled(site, 2), positions: await positions(site, 3) };
    },
  },
  {
    name: 'TAILDIR deleted once it was read',
    chain: tail(),
    run: async (site) => {
      const path = await site.write('app.log', 'one\n');
      await lines(site, 1);
      await positions(site, 4);
      await rm(path);
      await site.write('app.log.2', 'two\n');
      return { events: await settled(site, 2), positions: await positions(site, 4) };
    },
  },
  {
    name: 'TAILDIR counters of a source',
    chain: tail({ batchSize: '2' }),
    run: async (site) => {
      await site.write('app.log', '1\n2\n3\n4\n');
      await lines(site, 4);
      const { EventReceivedCount, EventAcceptedCount, AppendBatchReceivedCount, AppendBatchAcceptedCount, EventReadFail, ChannelWriteFail } = await site.metrics('SOURCE.r1', (all) => all['EventAcceptedCount'] === '4');
      return { EventReceivedCount: EventReceivedCount ?? '', EventAcceptedCount: EventAcceptedCount ?? '', AppendBatchReceivedCount: AppendBatchReceivedCount ?? '', AppendBatchAcceptedCount: AppendBatchAcceptedCount ?? '', EventReadFail: EventReadFail ?? '', ChannelWriteFail: ChannelWriteFail ?? '' };
    },
  },
];

/** The lines of all events, however often each came. */
function distinct(text: string): string[] {
  return [...new Set(text.trimEnd().split('\n'))];
}

const differing: readonly CompatCase[] = [
  {
    name: 'TD-29 TAILDIR renamed within its pattern',
    chain: tail(),
    run: async (site) => {
      const path = await site.write('app.log', '1\n2\n3\n4\n');
      await lines(site, 4);
      await positions(site, 8);
      await rename(path, `${path}.1`);
      await site.write('app.log', 'new\n');
      const text = await settled(site, 5);
      return { distinct: distinct(text).toSorted(), events: text.trimEnd().split('\n').length };
    },
    differs: { why: 'a rename is no reason to read a file again', millrace: { events: 5 } },
  },
  {
    name: 'TD-32 TAILDIR emptied and longer than before',
    chain: tail({ maxBackoffSleep: '3000', backoffSleepIncrement: '3000' }),
    run: async (site) => {
      const path = await site.write('app.log', 'ab\n');
      await lines(site, 1);
      await positions(site, 3);
      await writeFile(path, 'first new line\nsecond\n');
      return { events: await settled(site, 3) };
    },
    differs: { why: 'other bytes in front of the position are noticed', millrace: { events: '{} ab\n{} first new line\n{} second\n' } },
  },
  {
    name: 'TD-33 TAILDIR a link beside its target',
    chain: tail(),
    run: async (site) => {
      await site.write('app.log', 'one\ntwo\n');
      await symlink('app.log', join(site.folder, 'app.log.link'));
      await lines(site, 2);
      await sleep(3000);
      const text = await lines(site, 2);
      return { distinct: distinct(text), once: text.trimEnd().split('\n').length === 2 };
    },
    differs: { why: 'one file under two names is one file', millrace: { once: true } },
  },
  {
    name: 'TAILDIR a half line of an idle file',
    chain: tail({ idleTimeout: '500' }),
    run: async (site) => {
      const path = await site.write('app.log', 'one\nfirst half,');
      await lines(site, 1);
      await sleep(7000);
      await appendFile(path, ' second half\n');
      return { events: await settled(site, 2) };
    },
    differs: { why: 'a half line waits for its end', millrace: { events: '{} one\n{} first half, second half\n' } },
  },
];

export const taildirCases: readonly CompatCase[] = [...plainCases, ...growing, ...differing];
