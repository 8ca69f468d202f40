import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileJavaRegex } from '../../../../core/java-regex.ts';
import { spoolFiles, type SpoolEntry, type SpoolFiles } from '../../../../io/spool-files.ts';
import { Candidates, type CandidateRules } from '../../../../sources/spooldir/candidates.ts';
import { FakeLog, never } from '../../../conformance/fakes.ts';

const rules: CandidateRules = {
  spoolDir: '/spool',
  order: 'oldest',
  recursive: false,
  suffixes: ['.COMPLETED'],
  include: compileJavaRegex('^.*$'),
  ignore: compileJavaRegex('^$'),
  freshMs: 500,
  leftAlone: () => false,
};

/** A directory that exists on paper only. */
class PaperFiles {
  names: () => Iterable<string>;
  ageOf: (name: string) => number;
  listings = 0;
  modifiedNs = 1n;
  readonly files: SpoolFiles;

  constructor(names: () => Iterable<string>, ageOf: (name: string) => number) {
    this.names = names;
    this.ageOf = ageOf;
    this.files = {
      ...spoolFiles,
      list: (path) => this.#list(path),
      lookNow: (path) => ({ kind: 'file', identity: path, size: 1, modifiedNs: path === '/spool' ? this.modifiedNs : BigInt(this.ageOf(path.slice(7))) * 1_000_000n }),
    };
  }

  async *#list(_path: string): AsyncIterable<readonly SpoolEntry[]> {
    this.listings++;
    let piece: SpoolEntry[] = [];
    for (const name of this.names()) {
      if (piece.push({ name, isDirectory: false }) === 256) {
        yield piece;
        piece = [];
      }
    }
    yield piece;
  }
}

test('a directory of more names than are remembered: its oldest files come first, and everything else has its turns meanwhile', async () => {
  const many = 150_000;
  const done = new Set<string>();
  function* names(): Iterable<string> {
    for (let number = 0; number < many; number++) yield `file-${number}`;
  }
  const paper = new PaperFiles(names, (name) => (Number(name.slice(5)) * 7919) % many);
  const candidates = new Candidates({ ...rules, leftAlone: (path) => done.has(path) }, paper.files, new FakeLog());
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  for (let age = 0; age < 60_000; age++) {
    const found = await candidates.next(never);
    assert.equal(found?.modifiedMs, age);
    if (found) done.add(found.path);
    if (age === 0) assert.ok(turns > 5, `${turns} turns during the first listing`);
  }
  clearInterval(timer);
  assert.ok(paper.listings < 60, `${paper.listings} listings`);
});

test('a directory that has not changed is not listed again', async () => {
  const paper = new PaperFiles(() => ['done.COMPLETED'], () => 1);
  const candidates = new Candidates(rules, paper.files, new FakeLog());
  for (let time = 0; time < 5; time++) assert.equal(await candidates.next(never), undefined);
  assert.equal(paper.listings, 1);
  paper.names = () => ['done.COMPLETED', 'new'];
  paper.modifiedNs = 2n;
  assert.equal((await candidates.next(never))?.path, 'new');
  assert.equal(paper.listings, 2);
  candidates.lookAgain();
  await candidates.next(never);
  assert.equal(paper.listings, 3);
});

test('a directory that changed a moment ago is listed again', async () => {
  const paper = new PaperFiles(() => [], () => 1);
  paper.modifiedNs = BigInt(Date.now()) * 1_000_000n;
  const candidates = new Candidates(rules, paper.files, new FakeLog());
  await candidates.next(never);
  await candidates.next(never);
  assert.equal(paper.listings, 2);
});

test('a directory that cannot be listed is said', async () => {
  const log = new FakeLog();
  const candidates = new Candidates({ ...rules, spoolDir: '/nowhere/at/all' }, spoolFiles, log);
  assert.equal(await candidates.next(never), undefined);
  assert.deepEqual(log.complaints, ['directory cannot be listed']);
});
