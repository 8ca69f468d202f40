import type { Kind } from './component.ts';
import type { AnyDefinition } from './define.ts';

/** A definition that is read once a configuration names it: an agent pays for the types it uses. */
export interface OnDemand<K extends Kind = Kind> {
  /** As in the definition, so that its names are known before it is read. */
  readonly types: readonly string[];
  readonly read: () => Promise<AnyDefinition<K>>;
}

export type Entry<K extends Kind = Kind> = AnyDefinition<K> | OnDemand<K>;

/** The types of one kind. Short names are found in any case, class names only as they are spelled (as Flume does). */
export class Registry<K extends Kind = Kind> {
  readonly kind: K;
  readonly #entries: Entry<K>[] = [];
  readonly #byName = new Map<string, Entry<K>>();

  constructor(kind: K, entries: readonly Entry<K>[]) {
    this.kind = kind;
    for (const entry of entries) this.#add(entry);
  }

  /** Every name of every type, in the order of the registry's file. */
  get names(): readonly string[] {
    return this.#entries.flatMap(({ types }) => types);
  }

  /** In the order of the registry's file. Throws before `read()` if some are read on demand. */
  get all(): readonly AnyDefinition<K>[] {
    return this.#entries.map((entry) => this.#whole(entry));
  }

  has(type: string): boolean {
    return this.#byName.has(nameKey(type));
  }

  /** Throws for a type that is read on demand before `read(type)`. */
  find(type: string): AnyDefinition<K> | undefined {
    const entry = this.#byName.get(nameKey(type));
    return entry && this.#whole(entry);
  }

  /** Makes sure that `find` can answer: for one type, where there is none of that name for what might be meant by it, or for all. */
  async read(type?: string): Promise<void> {
    const named = type === undefined ? undefined : this.#byName.get(nameKey(type));
    await Promise.all((named ? [named] : this.#entries).map((entry) => this.#readEntry(entry)));
  }

  /** Throws if a name is taken, which is a fault of the program or of a plug-in; nothing is added then. */
  add(definition: AnyDefinition<K>): void {
    this.#add(definition);
  }

  /**
   * Makes `name` another name of a definition in here, in place of what it meant before: for plug-ins, which are known by the path or the
   * class name that stands in the file as well.
   */
  alias(name: string, definition: AnyDefinition<K>): void {
    this.#byName.set(nameKey(name), definition);
  }

  #add(entry: Entry<K>): void {
    const taken = entry.types.find((type) => this.#byName.has(nameKey(type)));
    if (taken !== undefined) throw new Error(`two definitions of the ${this.kind} type "${taken}"`);
    for (const type of entry.types) this.#byName.set(nameKey(type), entry);
    this.#entries.push(entry);
  }

  async #readEntry(entry: Entry<K>): Promise<void> {
    if (!isOnDemand(entry)) return;
    const definition = await entry.read();
    if (definition.types.join() !== entry.types.join()) throw new Error(`the ${this.kind} ${entry.types[0] ?? ''} is listed under other names than it has`);
    const at = this.#entries.indexOf(entry);
    // Another call may have been first.
    if (at === -1) return;
    this.#entries[at] = definition;
    for (const [name, other] of this.#byName) if (other === entry) this.#byName.set(name, definition);
  }

  #whole(entry: Entry<K>): AnyDefinition<K> {
    if (isOnDemand(entry)) throw new Error(`the definition of the ${this.kind} type "${entry.types[0] ?? ''}" was not read`);
    return entry;
  }
}

function isOnDemand<K extends Kind>(entry: Entry<K>): entry is OnDemand<K> {
  return 'read' in entry;
}

function nameKey(type: string): string {
  return type.includes('.') ? type : type.toLowerCase();
}
