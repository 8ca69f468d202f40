/**
 * How programs treat the files that they write, save and rotate, step by step: between two steps anything else may happen. None of them
 * takes lines away that stand nowhere else, but after `settled`: then all that was written has been seen to come out.
 */

import type { FileOperations } from './file-operations.ts';

/** What a habit waits for: next to nothing, longer than the clock of files stands still, nothing in particular, what a source may take to look, or that all lines have come out. */
export type Pause = 'at once' | 'breath' | 'moment' | 'while' | 'settled';

export interface Surroundings {
  readonly files: FileOperations;
  /** Path of a name of this habit in the directory that is followed, in the pattern. */
  at(ending: string): string;
  /** A path on the same file system that is not followed. */
  away(ending: string): string;
  /** So many new lines. */
  lines(count: number): string;
  /** Less than `limit`. */
  below(limit: number): number;
}

export type Habit = (surroundings: Surroundings) => Generator<Pause, void>;

/** Copies as programs do: a new file, then piece by piece. */
function* copy(files: FileOperations, from: string, to: string, pieceBytes: number): Generator<Pause, void> {
  const text = files.read(from);
  files.truncate(to, 0);
  for (let at = 0; at < text.length; at += pieceBytes) {
    yield 'at once';
    files.append(to, text.slice(at, at + pieceBytes));
  }
}

const PIECES = [500, 4096, 131_072];

function pieceOf({ below }: Surroundings): number {
  return PIECES[below(PIECES.length)] as number;
}

/** Renames `app.log.n` to the next number, and removes the last one. */
function* shift({ files, at }: Surroundings, keep: number): Generator<Pause, void> {
  if (files.exists(at(`.log.${keep}`))) {
    // What is removed was there for long.
    yield 'settled';
    files.remove(at(`.log.${keep}`));
  }
  for (let number = keep - 1; number > 0; number--) {
    if (!files.exists(at(`.log.${number}`))) continue;
    yield 'moment';
    files.rename(at(`.log.${number}`), at(`.log.${number + 1}`));
  }
}

/** logrotate `create`, log4j, Python's RotatingFileHandler, Docker's json-file: renamed in a chain, and a new file. */
function* renameChain(surroundings: Surroundings): Generator<Pause, void> {
  const { files, at, lines, below } = surroundings;
  for (let appends = below(6); appends >= 0; appends--) {
    files.append(at('.log'), lines(1 + below(40)));
    yield 'moment';
  }
  yield* shift(surroundings, 3);
  files.rename(at('.log'), at('.log.1'));
  yield 'moment';
  // A writer that has not noticed yet.
  if (below(2) === 0) files.append(at('.log.1'), lines(1 + below(3)));
  yield 'moment';
  files.truncate(at('.log'), 0);
}

/** logrotate `copytruncate`. */
function* copyTruncate(surroundings: Surroundings): Generator<Pause, void> {
  const { files, at, lines, below } = surroundings;
  for (let appends = below(4); appends >= 0; appends--) {
    files.append(at('.log'), lines(1 + below(60)));
    yield 'moment';
  }
  yield* shift(surroundings, 3);
  yield* copy(files, at('.log'), at('.log.1'), pieceOf(surroundings));
  yield 'moment';
  files.truncate(at('.log'), 0);
  yield 'moment';
  if (below(2) === 0) files.append(at('.log'), lines(1 + below(100)));
  // Copied again before the first copy was looked at, it could not be told from a new file.
  yield 'while';
}

/** The same with a date in the name, and the copy moved away: `dateext`, `olddir`. */
function* copyTruncateAway(surroundings: Surroundings): Generator<Pause, void> {
  const { files, at, away, lines, below } = surroundings;
  files.append(at('.log'), lines(1 + below(60)));
  yield 'settled';
  const copied = at(`.log-2026${below(1e6)}`);
  if (files.exists(copied)) return;
  yield* copy(files, at('.log'), copied, pieceOf(surroundings));
  yield 'moment';
  files.truncate(at('.log'), 0);
  yield 'moment';
  files.append(at('.log'), lines(1 + below(9)));
  yield 'while';
  files.rename(copied, away(`.${below(1e9)}`));
}

/** Saved by an editor that writes beside the file and renames: the temporary name is in the pattern or not. */
function* saveByRename(surroundings: Surroundings): Generator<Pause, void> {
  const { files, at, away, lines, below } = surroundings;
  files.append(at('.txt'), lines(1 + below(20)));
  for (let saves = 1 + below(3); saves > 0; saves--) {
    if (below(2) === 0) yield 'moment';
    if (below(3) === 0) files.append(at('.txt'), lines(1 + below(5)));
    if (below(2) === 0) yield 'while';
    const fresh = below(2) === 0 ? at('.txt.swp') : away('.txt.swp');
    yield* copy(files, at('.txt'), fresh, pieceOf(surroundings));
    yield 'moment';
    files.append(fresh, lines(1 + below(10)));
    yield 'moment';
    files.rename(fresh, at('.txt'));
    // What was copied again before anybody looked is as good as new.
    yield 'while';
  }
}

/** Saved by an editor that keeps the old version under another name: vim, emacs. */
function* saveWithBackup(surroundings: Surroundings): Generator<Pause, void> {
  const { files, at, lines, below } = surroundings;
  files.append(at('.conf'), lines(1 + below(20)));
  yield 'while';
  const text = files.read(at('.conf'));
  files.rename(at('.conf'), at('.conf~'));
  yield 'moment';
  files.truncate(at('.conf'), 0);
  yield 'moment';
  files.append(at('.conf'), text);
  yield 'moment';
  files.append(at('.conf'), lines(1 + below(5)));
  yield 'moment';
  files.remove(at('.conf~'));
  yield 'while';
}

/** Written over in place with the same and more: nano, `cp new old`, rsync --inplace. */
function* saveInPlace(surroundings: Surroundings): Generator<Pause, void> {
  const { files, at, lines, below } = surroundings;
  files.append(at('.cfg'), lines(1 + below(20)));
  yield 'settled';
  const text = files.read(at('.cfg'));
  files.truncate(at('.cfg'), 0);
  files.append(at('.cfg'), text + lines(1 + below(5)));
  yield 'while';
}

/** Emptied, filled with something else, and at once replaced by a longer version of it. */
function* refillAndReplace(surroundings: Surroundings): Generator<Pause, void> {
  const { files, at, away, lines, below } = surroundings;
  files.append(at('.dat'), lines(1 + below(30)));
  yield 'settled';
  files.truncate(at('.dat'), 0);
  yield 'moment';
  files.append(at('.dat'), lines(1 + below(60)));
  yield 'moment';
  const fresh = below(2) === 0 ? at('.dat.tmp') : away('.dat.tmp');
  yield* copy(files, at('.dat'), fresh, 131_072);
  if (below(2) === 0) files.append(fresh, lines(1 + below(9)));
  yield 'moment';
  files.rename(fresh, at('.dat'));
  yield 'while';
}

/** Cut to its beginning by a program that writes beside it and renames: `head -n … > new && mv new old`. */
function* replaceByBeginning(surroundings: Surroundings): Generator<Pause, void> {
  const { files, at, away, lines, below } = surroundings;
  files.append(at('.list'), lines(20 + below(60)));
  yield 'settled';
  const text = files.read(at('.list'));
  const end = text.indexOf('\n', Math.floor((text.length * (1 + below(8))) / 10)) + 1;
  const fresh = below(2) === 0 ? at('.list.tmp') : away('.list.tmp');
  files.append(fresh, text.slice(0, end));
  yield 'breath';
  yield 'moment';
  files.rename(fresh, at('.list'));
  yield 'while';
  files.append(at('.list'), lines(1 + below(9)));
  yield 'while';
}

/** Rotated by links: a second name, then the first one goes. */
function* linkAndRemove(surroundings: Surroundings): Generator<Pause, void> {
  const { files, at, lines, below } = surroundings;
  files.append(at('.out'), lines(1 + below(40)));
  yield 'moment';
  const kept = at(`.out.${below(4)}`);
  if (files.exists(kept)) {
    yield 'settled';
    files.remove(kept);
  }
  yield 'moment';
  files.link(at('.out'), kept);
  yield 'moment';
  files.append(at('.out'), lines(1 + below(4)));
  yield 'moment';
  files.remove(at('.out'));
  yield 'moment';
  files.append(at('.out'), lines(below(9)));
}

/** Three names in a ring; the one that comes to the front is emptied and used again. */
function* ring({ files, at, lines, below }: Surroundings): Generator<Pause, void> {
  for (const name of ['.lo0', '.lo1', '.lo2']) if (!files.exists(at(name))) files.truncate(at(name), 0);
  files.append(at('.lo0'), lines(1 + below(40)));
  yield 'settled';
  files.rename(at('.lo2'), at('.spare'));
  yield 'moment';
  files.rename(at('.lo1'), at('.lo2'));
  yield 'moment';
  files.rename(at('.lo0'), at('.lo1'));
  yield 'moment';
  files.rename(at('.spare'), at('.lo0'));
  yield 'moment';
  files.truncate(at('.lo0'), 0);
}

/** logrotate `compress`: what it makes is compressed, and what it was made of goes. */
function* renameAndCompress(surroundings: Surroundings): Generator<Pause, void> {
  const { files, at, lines, below } = surroundings;
  files.append(at('.acc'), lines(1 + below(40)));
  yield 'while';
  files.append(at('.acc'), lines(1 + below(5)));
  const old = at(`.acc.${below(1e6)}`);
  if (files.exists(old)) return;
  files.rename(at('.acc'), old);
  yield 'moment';
  files.truncate(at('.acc'), 0);
  yield 'settled';
  files.append(`${old}.gz`, '\x1f\x8b');
  yield 'moment';
  files.append(`${old}.gz`, `\x08\0\n\n\n${String(below(1e9))}\n`);
  yield 'moment';
  files.remove(old);
  yield 'while';
  files.remove(`${old}.gz`);
}

/** A file that goes, and another one in its place at once, which may have its number. */
function* removeAndCreate({ files, at, lines, below }: Surroundings): Generator<Pause, void> {
  files.append(at('.tmp'), lines(1 + below(30)));
  yield 'settled';
  files.remove(at('.tmp'));
  if (below(2) === 0) yield 'moment';
  files.append(at('.tmp'), lines(1 + below(30)));
}

/** Moved out of the pattern and back: `mv app.log work; …; mv work app.log`. */
function* moveAwayAndBack({ files, at, away, lines, below }: Surroundings): Generator<Pause, void> {
  files.append(at('.job'), lines(1 + below(30)));
  yield 'moment';
  files.rename(at('.job'), away('.job'));
  if (below(2) === 0) yield 'while';
  files.append(away('.job'), lines(1 + below(5)));
  yield 'moment';
  files.rename(away('.job'), at('.job'));
}

/** A simple cron job: `cp app.log app.log.old; > app.log`, over the copy of the day before. */
function* copyOverTheLast(surroundings: Surroundings): Generator<Pause, void> {
  const { files, at, lines, below } = surroundings;
  files.append(at('.job.log'), lines(1 + below(60)));
  if (below(2) === 0) files.append(at('.job.log'), lines(1 + below(9)));
  yield 'settled';
  if (below(2) === 0) files.append(at('.job.log'), lines(1 + below(9)));
  yield* copy(files, at('.job.log'), at('.job.log.old'), pieceOf(surroundings));
  yield 'moment';
  files.truncate(at('.job.log'), 0);
  yield 'moment';
  files.append(at('.job.log'), lines(1 + below(9)));
  yield 'while';
}

/** Made and at once moved on: spool-like writers, `current` of multilog and s6-log. */
function* finishAndStamp({ files, at, lines, below }: Surroundings): Generator<Pause, void> {
  for (let number = below(5); number >= 0; number--) {
    files.append(at('-current'), lines(1 + below(20)));
    yield below(2) === 0 ? 'at once' : 'moment';
    files.append(at('-current'), lines(1 + below(20)));
    const stamp = at(`-@${below(1e9)}.s`);
    if (!files.exists(stamp)) files.rename(at('-current'), stamp);
  }
}

/** rsync without --inplace of a file that grows elsewhere: each version is the one before and more. */
function* receiveVersions({ files, at, lines, below }: Surroundings): Generator<Pause, void> {
  const name = at('.mirror');
  for (let versions = 1 + below(4); versions > 0; versions--) {
    const fresh = at(`.mirror.${below(1e6)}`);
    if (files.exists(fresh)) return;
    files.append(fresh, files.exists(name) ? files.read(name) : '');
    yield 'at once';
    files.append(fresh, lines(1 + below(30)));
    yield 'at once';
    files.rename(fresh, name);
    yield 'while';
  }
}

export const HABITS: Readonly<Record<string, Habit>> = {
  renameChain,
  copyTruncate,
  copyTruncateAway,
  saveByRename,
  saveWithBackup,
  saveInPlace,
  refillAndReplace,
  replaceByBeginning,
  linkAndRemove,
  ring,
  renameAndCompress,
  removeAndCreate,
  moveAwayAndBack,
  copyOverTheLast,
  finishAndStamp,
  receiveVersions,
};
