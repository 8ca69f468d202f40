import { nearest } from '../../core/nearest.ts';
import type { CommandIo, ExplainArguments } from '../command-line/types.ts';
import { CATALOGUE, catalogueEntry } from '../problems/catalogue.ts';

const EXIT_USAGE = 64;

/** `explain M012` says more about a problem; without a code all of them are listed. Resolves with the exit code. */
export async function explain({ code }: ExplainArguments, io: CommandIo): Promise<number> {
  if (code === undefined) {
    for (const [each, { severity, title }] of Object.entries(CATALOGUE)) io.out(`${each}  ${severity.padEnd(7)}  ${title}\n`);
    return 0;
  }
  const wanted = /^\d+$/.test(code) ? `M${code.padStart(3, '0')}` : code.toUpperCase();
  const entry = catalogueEntry(wanted);
  if (!entry) {
    const near = nearest(wanted, Object.keys(CATALOGUE), 1);
    io.err(`There is no problem "${code}".${near.length > 0 ? ` Did you mean ${near[0]}?` : ''} "millrace explain" lists all.\n`);
    return EXIT_USAGE;
  }
  io.out(`${wanted}  ${entry.title} (${entry.severity})\n\n${wrap(entry.explanation)}\n`);
  if (entry.example !== undefined) io.out(`\nFor example:\n\n${entry.example.replace(/^/gm, '    ')}\n`);
  return 0;
}

function wrap(text: string): string {
  return text.replace(/(?![^\n]{1,100}$)([^\n]{1,100})\s/g, '$1\n');
}
