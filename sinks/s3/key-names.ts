import type { Stage } from './stage.ts';

/** Keys that no other object has: neither of this sink, nor of another agent with the same configuration. */
export class KeyNames {
  readonly #naming: 'unique' | 'flume';
  readonly #suffix: string;
  #counter = 0;

  constructor(naming: 'unique' | 'flume', suffix: string) {
    this.#naming = naming;
    this.#suffix = suffix;
  }

  /** `unique`: `<path>-<milliseconds>-<stage>-<number><suffix>`; `flume`: `<path>.<counter><suffix>`, counted from the time of the first. */
  of(path: string, nowMs: number, { id }: Stage, number: number): string {
    if (this.#naming === 'unique') return `${path}-${nowMs}-${id}-${number}${this.#suffix}`;
    this.#counter = Math.max(nowMs, this.#counter + 1);
    return `${path}.${this.#counter}${this.#suffix}`;
  }

  /** Another one for an object whose key belongs to something else. */
  other(key: string, stage: Stage): string {
    const path = key.endsWith(this.#suffix) ? key.slice(0, key.length - this.#suffix.length) : key;
    if (this.#naming === 'unique') return `${path.replace(/-\d+$/, '')}-${stage.nextId()}${this.#suffix}`;
    this.#counter = Math.max(this.#counter, Number(/\.(\d+)$/.exec(path)?.[1] ?? 0)) + 1;
    return `${path.replace(/\.\d+$/, '')}.${this.#counter}${this.#suffix}`;
  }
}
