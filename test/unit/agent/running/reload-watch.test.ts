import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReloadWatch } from '../../../../agent/running/reload-watch.ts';
import { until } from '../../../servers/daemon.ts';

function watched(everyMs: number): { watch: ReloadWatch; state: { text: string; reloads: string[] } } {
  const state = { text: 'first', reloads: [] as string[] };
  const watch = new ReloadWatch({
    everyMs,
    settleMs: 20,
    look: async () => state.text,
    reload: async () => void state.reloads.push(state.text),
  });
  watch.start('first');
  return { watch, state };
}

test('G9 a file that is being written is read once it looks the same twice', async () => {
  const { watch, state } = watched(5);
  let chunk = 0;
  const writer = setInterval(() => (state.text = chunk++ < 10 ? `chunk ${chunk}` : state.text), 5);
  await until('the reload', () => state.reloads.length > 0 || undefined);
  clearInterval(writer);
  await watch.stop();
  assert.deepEqual(state.reloads, ['chunk 10']);
});

test('O5 requests that pile up are few reloads, and none after the stop', async () => {
  const { watch, state } = watched(-1);
  for (let request = 0; request < 100; request++) watch.request();
  await until('the reload', () => state.reloads.length > 0 || undefined);
  await watch.stop();
  watch.request();
  assert.equal(state.reloads.length, 1);
});

test('an unchanged configuration is left alone', async () => {
  const { watch, state } = watched(1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  await watch.stop();
  assert.deepEqual(state.reloads, []);
});
