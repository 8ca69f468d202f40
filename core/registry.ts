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

  /** Throws if a name is taken, which is a fault of the program or of a plug-in; nothing is added then. */
  add(definition: AnyDefinition<K>): void {
    const taken = definition.types.find((type) => this.#byName.has(nameKey(type)));
    if (taken !== undefined) throw new Error(`two definitions of the ${this.kind} type "${taken}"`);
    for (const type of definition.types) this.#byName.set(nameKey(type), definition);
    this.#all.push(definition);
  }

  /**
   * Makes `name` another name of a definition in here, in place of what it meant before: for plug-ins, which are known by the path or the
   * class name that stands in the file as well.
   */
  alias(name: string, definition: AnyDefinition<K>): void {
    this.#byName.set(nameKey(name), definition);
  }
}

function nameKey(type: string): string {
  return type.includes('.') ? type : type.toLowerCase();
}
