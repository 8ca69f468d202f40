import type { TestContext } from 'node:test';

const actions = new WeakMap<TestContext, (() => unknown)[]>();

/** Cleaning up behind a test in the opposite order of what was begun, since `t.after` keeps the order and ends with the first failure. */
export function lastFirst(t: TestContext, action: () => unknown): void {
  const known = actions.get(t);
  if (known) {
    known.push(action);
    return;
  }
  const list = [action];
  actions.set(t, list);
  t.after(async () => {
    const faults: unknown[] = [];
    for (const each of list.reverse()) {
      try {
        await each();
      } catch (error) {
        faults.push(error);
      }
    }
    if (faults.length > 0) throw new AggregateError(faults, 'cleaning up failed');
  });
}
