// test: alone
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { HABITS, type Pause } from '../../../faults/tail-habits.ts';
import { accountOf, randomFrom, stormLine, type Account } from '../../../faults/tail-storm.ts';
import { Simulation } from './simulation.ts';

const ROUNDS = Number(process.env['MILLRACE_ROUNDS'] ?? 2);
const SEED = Number(process.env['MILLRACE_SEED'] ?? 1);

/** One habit some times over, at moments that the seed decides: between two looks of the source, or in the middle of one. */
async function play(t: TestContext, habit: string, seed: number): Promise<{ verdict: Account; journal: string[] }> {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const simulation = new Simulation(t, { reusesInodes: random() < 0.5, hints: random() < 0.5 });
  const { files } = simulation;
  let written = 0;
  const journal: string[] = [];
  const note = (text: string): void => void journal.push(`${files.nowMs % 1e6} ${text}`);
  simulation.context.answer = async (batch) => note(`  stored ${Array.from(batch, ({ body }) => Number.parseInt(body.toString(), 10)).join(' ')}`);
  simulation.context.log.lines.push = (line) => journal.push(`${files.nowMs % 1e6}   ${JSON.stringify(line)}`);
  const operations = new Proxy(files, {
    get: (target, property) => {
      const member = Reflect.get(target, property, target) as unknown;
      return typeof member === 'function' ? (...words: unknown[]) => {
        if (property !== 'read' && property !== 'exists') note(`${String(property)} ${words.map((word) => (String(word).length > 30 ? `${String(word).length}` : String(word))).join(' ')}`);
        return (member as (...all: unknown[]) => unknown).apply(target, words);
      } : member;
    },
  });
  const lines = (count: number): string => Array.from({ length: count }, () => `${stormLine(written++)}\n`).join('');
  const surroundings = { files: operations, at: (ending: string) => `/logs/app${ending}`, away: (ending: string) => `/elsewhere/app${ending}`, lines, below };
  const restart = async (): Promise<void> => {
    const how = random() < 0.5 ? 'stop' : 'kill';
    note(`${how}, and started again`);
    await simulation[how]();
    await simulation.start();
  };
  try {
    await simulation.start();
    for (let round = 0; round < 4; round++) {
      const steps = (HABITS[habit] as (typeof HABITS)[string])(surroundings);
      let step: IteratorResult<Pause, void> = { done: false, value: 'moment' };
      while (step.done !== true) {
        const dice = random();
        if (step.value === 'settled') await simulation.passUntil(() => accountOf(simulation.bodies, written).lost.length === 0);
        else if (step.value === 'while') await simulation.pass(4000 + below(3000));
        else if (random() < 0.03 && simulation.bodies.length > 0) await restart();
        else if (step.value === 'breath') await simulation.pass(10 + below(30));
        else if (dice < 0.3) await simulation.pass(below(20));
        else if (dice < 0.5 && step.value === 'moment') await simulation.pass(below(2500));
        else if (dice < 0.8) {
          let calls = below(30);
          let taken: IteratorResult<Pause, void> | undefined;
          files.meanwhile = () => {
            if (taken || calls-- > 0) return;
            taken = step;
            journal.push('  in the middle of a look');
            taken = steps.next();
          };
          await simulation.passUntil(() => taken !== undefined, 2000);
          files.meanwhile = () => undefined;
          if (taken) {
            step = taken;
            continue;
          }
        }
        step = steps.next();
      }
      if (random() < 0.3) {
        await simulation.passUntil(() => accountOf(simulation.bodies, written).lost.length === 0, 10_000);
        await restart();
      }
    }
    await simulation.passUntil(() => accountOf(simulation.bodies, written).lost.length === 0);
    await simulation.pass(12_000);
    return { verdict: accountOf(simulation.bodies, written), journal };
  } finally {
    await simulation.end();
  }
}

for (const habit of Object.keys(HABITS)) {
  test(`${habit}: each line once, whenever the source looks (${ROUNDS} rounds)`, async (t) => {
    const failed: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const seed = SEED + round;
      const { verdict: found, journal } = await play(t, habit, seed);
      if (found.lost.length + found.repeated.length + found.torn.length > 0) {
        failed.push(`seed ${seed}: lost ${found.lost.length}, repeated ${found.repeated.length}, torn ${found.torn.length}`);
        if (process.env['MILLRACE_JOURNAL'] !== undefined) console.log(`${journal.join('\n')}\n${JSON.stringify(found)}\n`);
      }
    }
    assert.deepEqual(failed, []);
  });
}
