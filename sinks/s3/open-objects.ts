import type { Serializer } from '../../core/component.ts';
import type { StagedObject } from './staged-object.ts';

/** An object that still grows. */
export interface OpenObject {
  readonly path: string;
  readonly staged: StagedObject;
  readonly serializer: Serializer;
  readonly begunMs: number;
  /** Of the last event. */
  usedMs: number;
  events: number;
  rolled?: true;
  /** Of bodies, as the hdfs sink counts. */
  bytes: number;
}

/** The objects that grow, one for each path, in the order in which they were used last. */
export class OpenObjects {
  readonly #byPath = new Map<string, OpenObject>();

  get size(): number {
    return this.#byPath.size;
  }

  get all(): Iterable<OpenObject> {
    return this.#byPath.values();
  }

  get(path: string): OpenObject | undefined {
    return this.#byPath.get(path);
  }

  /** Was used now. */
  use(object: OpenObject, nowMs: number): void {
    object.usedMs = nowMs;
    this.#byPath.delete(object.path);
    this.#byPath.set(object.path, object);
  }

  remove(object: OpenObject): void {
    if (this.#byPath.get(object.path) === object) this.#byPath.delete(object.path);
  }

  /** Not used for longest. */
  get idlest(): OpenObject | undefined {
    for (const object of this.#byPath.values()) return object;
    return undefined;
  }
}
