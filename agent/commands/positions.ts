import { describeError } from '../../core/errors.ts';
import { escapeControls, inThousands } from '../../core/printable.ts';
import { storeFiles } from '../../io/store-files.ts';
import { tailFiles } from '../../io/tail-files.ts';
import { loadPositions, type SavedFile } from '../../sources/taildir/position-file.ts';
import { sameBirth } from '../../sources/taildir/tail-file.ts';
import type { CommandIo, PositionsArguments } from '../command-line/types.ts';

const EXIT_FAILED = 1;

interface Row {
  readonly file: string;
  readonly inode: string;
  readonly position: number;
  readonly size: number | null;
  readonly lag: number | null;
  /** `moved`: followed to its end under a name that no group wants. `other file`: what has the name now is not what was read. */
  readonly state: 'read' | 'behind' | 'emptied' | 'gone' | 'other file' | 'moved';
}

/** `positions FILE`: how far the files of a TAILDIR source were read, beside what they hold now. Writes nothing. Resolves with the exit code. */
export async function positions({ file, json }: PositionsArguments, io: CommandIo): Promise<number> {
  try {
    const { files, known, faults } = await loadPositions(storeFiles, file, false);
    if (!known) {
      io.err(`Error: there is no position file ${file}\n`);
      return EXIT_FAILED;
    }
    for (const { sentence, facts } of faults) io.err(`Warning: ${sentence} (${facts['path'] ?? file})\n`);
    const rows = files.filter(({ emptied }) => !emptied).flatMap((saved) => rowOf(saved) ?? []);
    if (json) for (const row of rows) io.out(`${JSON.stringify(row)}\n`);
    else io.out(table(rows));
    return 0;
  } catch (error) {
    io.err(`Error: cannot read ${file}: ${describeError(error)}\n`);
    return EXIT_FAILED;
  }
}

/** Nothing for a file of earlier days that is gone, or that somebody else's name leads to. */
function rowOf(saved: SavedFile): Row | undefined {
  const { inode, position, identity } = saved;
  const path = saved.place ?? saved.path;
  const facts = tailFiles.look(path);
  const base = { file: path, inode: String(inode), position };
  const same = facts !== undefined && facts.inode === inode && (identity === undefined || sameBirth(identity.bornNs, facts.bornNs));
  if (!same) return saved.gone ? undefined : { ...base, size: null, lag: null, state: facts ? 'other file' : 'gone' };
  const { size } = facts;
  const lag = Math.max(0, size - position);
  const state = size < position ? 'emptied' : saved.gone ? 'moved' : lag > 0 ? 'behind' : 'read';
  return { ...base, size, lag, state };
}

function table(rows: readonly Row[]): string {
  const number = (value: number | null): string => (value === null ? '-' : inThousands(value));
  const cells = [
    ['POSITION', 'SIZE', 'LAG', 'STATE', 'FILE'],
    ...rows.map(({ position, size, lag, state, file }) => [number(position), number(size), number(lag), state, escapeControls(file)]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const lines = cells.map((row) => row.map((cell, column) => (column < 3 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd());
  const behind = rows.reduce((sum, { lag }) => sum + (lag ?? 0), 0);
  return `${lines.join('\n')}\n${rows.length} ${rows.length === 1 ? 'file' : 'files'}, ${inThousands(behind)} bytes to be read\n`;
}
