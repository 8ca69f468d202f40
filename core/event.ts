/** One log event, as code that works event by event sees it: a light view, made by iterating a {@link Batch}. */
export interface Event {
  /** The bytes as they came. A view: copy it before keeping it for long. */
  readonly body: Buffer;
  readonly headers: ReadonlyMap<string, string>;
}
