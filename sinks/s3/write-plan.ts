import type { OpenObject } from './open-objects.ts';
import type { Piece } from './stage.ts';

/** What batches add to which object, until it is in the stage. */
export class WritePlan {
  readonly nowMs: number;
  readonly #pieces = new Map<OpenObject, Piece>();
  /** The last object of each path. */
  readonly objects = new Map<string, OpenObject>();
  readonly full: OpenObject[] = [];
  readonly #undo: (() => void)[] = [];

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  add(object: OpenObject, events: number, bytes: number, parts: readonly Buffer[]): void {
    const piece = this.#pieces.get(object);
    this.#pieces.set(object, { object: object.staged, events: (piece?.events ?? 0) + events, parts: [...(piece?.parts ?? []), ...parts] });
    this.objects.set(object.path, object);
    object.events += events;
    object.bytes += bytes;
    this.#undo.push(() => {
      object.events -= events;
      object.bytes -= bytes;
      object.serializer.undo?.();
    });
  }

  /** One for each object, whichever batches its events come from. */
  get pieces(): readonly Piece[] {
    return [...this.#pieces.values()];
  }

  get touched(): Iterable<OpenObject> {
    return this.#pieces.keys();
  }

  /** Nothing of it was taken. */
  undo(): void {
    for (const undo of this.#undo.reverse()) undo();
  }
}
