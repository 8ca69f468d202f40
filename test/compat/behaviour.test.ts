/**
 * Same configuration, same input: real Flume 1.11 and Millrace are observed side by side (see side-by-side.ts) and must agree.
 * What Flume did is kept in recorded.json, so that Millrace can be judged on a machine without Java as well; where Flume can be run, it
 * must still do what was recorded. `node test/compat/behaviour.test.ts record` records anew; with `MILLRACE_COMPAT_ONLY`, an expression for
 * the names of cases, only those.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { flumeAvailable } from '../servers/flume.ts';
import { compatCases } from './cases/index.ts';
import { batches, observe, type CompatCase, type Observation, type Outcome, type System } from './side-by-side.ts';

const recording = join(import.meta.dirname, 'recorded.json');
const launcher = process.env['MILLRACE_COMMAND'] ?? join(import.meta.dirname, '../../bin/millrace');

if (process.argv[2] === 'record') {
  await record();
} else {
  const recorded = JSON.parse(readFileSync(recording, 'utf8')) as Record<string, Observation>;
  const noFlume = flumeAvailable();
  const noMillrace = existsSync(launcher) ? false : `there is no ${launcher} to run`;
  const only = new RegExp(process.env['MILLRACE_COMPAT_ONLY'] ?? '');
  for (const batch of batches(compatCases.filter((one) => only.test(one.name)))) {
    const through = (system: System) => once(() => observe(system, batch));
    const [flume, millrace] = [through('flume'), through('millrace')];
    batch.forEach((one, index) => {
      const unrecorded = one.machine === true && 'what is observed depends on the machine';
      void test(`${one.name} [real Flume does as recorded]`, { skip: noFlume || unrecorded }, async () => {
        const seen = observed((await flume())[index]);
        assert.ok(recorded[one.name] !== undefined, 'there is no recording of this case; record anew');
        assert.deepEqual(seen, recorded[one.name]);
      });
      void test(`${one.name} [Millrace]`, { skip: noMillrace || (unrecorded && noFlume) }, async () => {
        const wanted = noFlume === false ? observed((await flume())[index]) : recorded[one.name];
        assert.deepEqual(observed((await millrace())[index]), { ...wanted, ...one.differs?.millrace });
      });
    });
  }
}

async function record(): Promise<void> {
  const only = process.env['MILLRACE_COMPAT_ONLY'];
  const all: Record<string, Observation> = only === undefined ? {} : (JSON.parse(readFileSync(recording, 'utf8')) as Record<string, Observation>);
  for (const batch of batches(compatCases.filter((one) => new RegExp(only ?? '').test(one.name)))) {
    const outcomes = await observe('flume', batch);
    batch.forEach((one: CompatCase, index) => {
      if (one.machine !== true) {
        all[one.name] = observed(outcomes[index]);
      }
    });
  }
  writeFileSync(recording, `${JSON.stringify(all, null, 1)}\n`);
}

function observed(outcome: Outcome | undefined): Observation {
  if (outcome === undefined || outcome instanceof Error) {
    throw outcome ?? new Error('nothing was observed');
  }
  return outcome;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
