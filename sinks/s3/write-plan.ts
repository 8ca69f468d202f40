import type { OpenObject } from './open-objects.ts';
import type { Piece } from './stage.ts';

/** What batches add to which object, until it is in the stage. */
export class WritePlan {
  readonly nowMs: number;
  readonly pieces: Piece[] = [];
  /** The last object of each path. */
  readonly objects = new Map<string, OpenObject>();
  readonly touched = new Set<OpenObject>();
  readonly full: OpenObject[] = [];
  readonly #undo: (() => void)[] = [];

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  add(object: OpenObject, events: number, bytes: number, parts: readonly Buffer[]): void {
    const last = this.pieces.at(-1);
    if (last?.object === object.staged) this.pieces[this.pieces.length - 1] = { object: object.staged, events: last.events + events, parts: [...last.parts, ...parts] };
    else this.pieces.push({ object: object.staged, events, parts });
    this.objects.set(object.path, object);
    this.touched.add(object);
    object.events += events;
    object.bytes += bytes;
    this.#undo.push(() => {
      object.events -= events;
      object.bytes -= bytes;
      object.serializer.undo?.();
    });
  }

  /** Nothing of it was taken. */
  undo(): void {
    for (const undo of this.#undo.reverse()) undo();
  }
}
