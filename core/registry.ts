import type { Kind } from './component.ts';
import type { AnyDefinition } from './define.ts';

/** The types of one kind. Short names are found in any case, class names only as they are spelled (as Flume does). */
export class Registry<K extends Kind = Kind> {
  readonly kind: K;
  readonly #all: AnyDefinition<K>[] = [];
  readonly #byName = new Map<string, AnyDefinition<K>>();

  constructor(kind: K, definitions: readonly AnyDefinition<K>[]) {
    this.kind = kind;
    for (const definition of definitions) this.add(definition);
  }

  /** In the order of the registry's file. */
  get all(): readonly AnyDefinition<K>[] {
    return this.#all;
  }

  find(type: string): AnyDefinition<K> | undefined {
    return this.#byName.get(nameKey(type));
  }

  /** Throws if a name is taken, which is a fault of the program or of a plug-in. */
  add(definition: AnyDefinition<K>): void {
    for (const type of definition.types) {
      const key = nameKey(type);
      if (this.#byName.has(key)) throw new Error(`two definitions of the ${this.kind} type "${type}"`);
      this.#byName.set(key, definition);
    }
    this.#all.push(definition);
  }
}

function nameKey(type: string): string {
  return type.includes('.') ? type : type.toLowerCase();
}
