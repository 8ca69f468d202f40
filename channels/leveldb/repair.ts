import { join } from 'node:path';
import { CorruptionError } from '../../core/errors.ts';
import type { StoreFiles } from '../../io/store-files.ts';
import { Guard } from './guard.ts';
import { inspectStore, readGuard, type InspectParts, type StoreView } from './inspect.ts';
import { describeGap } from './opening.ts';
import { placeOf } from './place.ts';
import { DoneEvents } from './ranges.ts';
import { takeOut } from './recovery.ts';
import { decodeSegmentHeader, RECORDS_AT, segmentNumber } from './segment.ts';
import { verifyStore, type MissingEvents, type Verification } from './verify.ts';

/** `move`: to another place. `keep`: a second name there, since its sound events are still to be delivered. */
export interface RepairStep {
  readonly how: 'move' | 'keep';
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

export interface RepairPlan {
  /** Where everything goes that is taken out of use. */
  readonly aside: string;
  readonly steps: readonly RepairStep[];
  /** Events that are reported as lost once and for all. */
  readonly lost: readonly MissingEvents[];
  readonly view: StoreView;
  readonly verification: Verification;
}

export type RepairParts = InspectParts & { readonly checkpointDirectory: string };

/** What would be done about a store, which is read whole for it. Changes nothing. */
export async function planRepair(parts: RepairParts, progress: (done: number, all: number) => void = () => undefined): Promise<RepairPlan> {
  const { files, dataDirectory, checkpointDirectory } = parts;
  const place = placeOf(dataDirectory, checkpointDirectory);
  const aside = await nextRepair(files, place.aside);
  const foreign = await foreignFiles(files, place.records, place.guard);
  const steps: RepairStep[] = foreign.map(({ path, why }) => ({ how: 'move', from: path, to: join(aside, nameOf(path)), why }));
  const view = await inspectStore({ ...parts, files: without(files, new Set(foreign.map(({ path }) => path))) });
  const verification = await verifyStore(view, progress);
  for (const name of view.strange) steps.push({ how: 'move', from: join(place.records, name), to: join(aside, name), why: 'nothing in it can be recognised' });
  const damaged = new Map(verification.damage.map(({ segment, sentence }) => [segment.name, sentence]));
  for (const [name, why] of damaged) steps.push({ how: 'keep', from: join(place.records, name), to: join(aside, name), why });
  return { aside, steps, lost: verification.missing, view, verification };
}

/**
 * Does what was planned. `reopen` opens and closes the store as an agent does, which needs that nobody else has it open; what is lost is
 * written down as done with afterwards, so that it is told once.
 */
export async function repairStore(parts: RepairParts, plan: RepairPlan, reopen: () => Promise<void>): Promise<void> {
  const { files } = parts;
  const place = placeOf(parts.dataDirectory, parts.checkpointDirectory);
  const anything = plan.steps.length > 0 || plan.lost.length > 0;
  if (anything) {
    await files.makeDirectory(plan.aside);
    const lines = [...plan.steps.map(({ how, from, why }) => `${how}: ${from}: ${why}`), ...plan.lost.map((range) => `missing: ${describeGap(range)}`)];
    await files.replace(join(plan.aside, 'report.txt'), Buffer.from(`${lines.join('\n')}\n`));
  }
  for (const { how, from, to } of plan.steps) {
    if (how === 'move') await files.rename(from, to);
    else await files.linkAll(place.records, [nameOf(from)], plan.aside);
  }
  await reopen();
  if (plan.lost.length > 0) await writeOff(files, place.guard, plan.lost);
}

/** Writes lost events down as done with. */
async function writeOff(files: StoreFiles, path: string, lost: readonly MissingEvents[]): Promise<void> {
  const { guard, reading } = await Guard.open(files, path);
  try {
    const { state } = reading;
    if (!state) throw new CorruptionError(`${path} cannot be read after the repair: ${reading.fault ?? 'it is empty'}`);
    const done = new DoneEvents(state.done.head, state.done.headBytes, state.done.ranges);
    for (const gap of lost) for (const part of takeOut({ ...gap, faults: [] }, done)) done.add(part);
    await guard.update(() => ({ ...state, done }));
    await guard.sync();
  } finally {
    await guard.close();
  }
}

/** Files of another store than most: they stand in the way of opening it. */
async function foreignFiles(files: StoreFiles, directory: string, guardPath: string): Promise<{ path: string; why: string }[]> {
  const stores = new Map<string, string[]>();
  for (const name of (await files.list(directory)).filter((each) => segmentNumber(each) !== undefined)) {
    const file = await files.open(join(directory, name), 'read');
    try {
      const header = decodeSegmentHeader(await file.read(0, RECORDS_AT));
      if (header && 'store' in header) stores.set(header.store, [...(stores.get(header.store) ?? []), join(directory, name)]);
    } finally {
      await file.close();
    }
  }
  const guard = (await readGuard(files, guardPath))?.state;
  const [most] = [...stores].sort(([a, x], [b, y]) => y.length - x.length || Number(b === guard?.store) - Number(a === guard?.store));
  if (!most) return [];
  const [store] = most;
  const foreign = [...stores].filter(([other]) => other !== store).flatMap(([other, paths]) => paths.map((path) => ({ path, why: `it belongs to store ${other}, and the others to ${store}` })));
  if (guard && guard.store !== store) foreign.push({ path: guardPath, why: `it belongs to store ${guard.store}, and the files of events to ${store}; what was delivered comes again` });
  return foreign;
}

/** The files as they will be once these are gone. */
function without(files: StoreFiles, gone: ReadonlySet<string>): StoreFiles {
  if (gone.size === 0) return files;
  return {
    ...files,
    list: async (path) => (await files.list(path)).filter((name) => !gone.has(join(path, name))),
    read: async (path) => (gone.has(path) ? undefined : files.read(path)),
  };
}

async function nextRepair(files: StoreFiles, aside: string): Promise<string> {
  const numbers = (await files.list(aside)).map((name) => Number(/^repair-(\d+)$/.exec(name)?.[1] ?? 0));
  return join(aside, `repair-${String(Math.max(0, ...numbers) + 1).padStart(4, '0')}`);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
