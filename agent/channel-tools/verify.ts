import type { StoreView } from '../../channels/leveldb/inspect.ts';
import { verifyStore, type Verification } from '../../channels/leveldb/verify.ts';
import { inThousands } from '../../core/printable.ts';
import type { Offline } from './offline.ts';
import { rows, size } from './words.ts';

const EXIT_DAMAGE = 1;
const MOST_SHOWN = 20;

/** Reads and compares everything; says exactly what is not as it was written. */
export async function verify({ args, io, progress }: Offline, view: StoreView): Promise<number> {
  const verification = await verifyStore(view, (done, all) => progress.show(done / Math.max(1, all), `${size(done)} of ${size(all)}`));
  progress.end();
  const sound = isSound(view, verification);
  io.out(args.json ? `${JSON.stringify(verificationJson(view, verification))}\n` : verificationText(view, verification));
  if (!args.json) io.out(sound ? 'Every event that is left is as it was written.\n' : 'The store is damaged. An agent delivers the rest of it, and keeps the damaged parts; millrace channel repair does so without one.\n');
  return sound ? 0 : EXIT_DAMAGE;
}

export function isSound(view: StoreView, { missing, damage }: Verification): boolean {
  return missing.length === 0 && damage.length === 0 && view.strange.length === 0;
}

export function lostOf({ missing }: Verification): number {
  return missing.reduce((sum, { from, to }) => sum + to - from, 0);
}

export function verificationText(view: StoreView, verification: Verification): string {
  const { records, events, bodyBytes, fileBytes, left, leftBytes, missing, damage, harmless } = verification;
  const lost = lostOf(verification);
  const facts = rows([
    ['read', `${size(fileBytes)} in ${view.segments.length} ${view.segments.length === 1 ? 'file' : 'files'}`],
    ['sound', `${inThousands(records)} records with ${inThousands(events)} events, ${size(bodyBytes)} of bodies`],
    ['left to deliver', `${inThousands(left)} events, ${size(leftBytes)}`],
    ['lost', `${inThousands(lost)} events${lost === 0 ? '' : ` in ${missing.length} ${missing.length === 1 ? 'range' : 'ranges'}`}`],
    ['damaged places', inThousands(damage.length)],
    ['of no harm', harmless.length === 0 ? undefined : `${inThousands(harmless.length)} ${harmless.length === 1 ? 'place' : 'places'} where no event is missing`],
    ['odd files', view.strange.length === 0 ? undefined : view.strange.join(', ')],
  ]);
  return `${facts}${few(missing.map(({ from, to }) => `  lost: ${inThousands(to - from)} events, ${from} to ${to - 1}\n`))}${few(damage.map(({ segment, position, length, sentence }) => `  damaged: ${segment.path}, ${length > 0 ? `${length} bytes ` : ''}from byte ${position} on: ${sentence}\n`))}${view.remarks.map((remark) => `  ${remark}\n`).join('')}`;
}

function verificationJson(view: StoreView, verification: Verification): Readonly<Record<string, unknown>> {
  const places = (all: Verification['damage']): readonly object[] => all.map(({ segment, position, length, sentence }) => ({ path: segment.path, position, length, sentence }));
  return { ...verification, lost: lostOf(verification), damage: places(verification.damage), harmless: places(verification.harmless), strange: view.strange, remarks: view.remarks };
}

function few(lines: readonly string[]): string {
  if (lines.length <= MOST_SHOWN) return lines.join('');
  return `${lines.slice(0, MOST_SHOWN).join('')}  and ${lines.length - MOST_SHOWN} more, all of them with --json\n`;
}

