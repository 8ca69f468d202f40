interface Place {
  readonly topicId: string | undefined;
  /** The offset behind the last record that was handed out. */
  next: bigint;
}

/** So long after a rebalance what comes again is taken for a repetition. */
const REPLAY_MS = 60_000;

/**
 * After a rebalance the client library reads the partitions that stay ours again from the committed offsets, although what it had read
 * before still comes: this knows what was handed out already. Offsets that fall for another reason, a topic made anew or cut, pass.
 */
export class RepeatedOffsets {
  readonly #places = new Map<string, Place>();
  #rebalancedAt = -Infinity;

  /** The group has settled; what is ours is ours still or by now. */
  rebalanced(ours: (topic: string, partition: number) => boolean): void {
    this.#rebalancedAt = Date.now();
    for (const key of this.#places.keys()) {
      const at = key.lastIndexOf('/');
      if (!ours(key.slice(0, at), Number(key.slice(at + 1)))) this.#places.delete(key);
    }
  }

  /** Whether the record came before; remembers it otherwise. */
  isRepeated({ topic, partition, offset }: { readonly topic: string; readonly partition: number; readonly offset: bigint }, topicId: string | undefined): boolean {
    const key = `${topic}/${partition}`;
    const place = this.#places.get(key);
    if (place?.topicId === topicId && place) {
      if (offset < place.next && Date.now() - this.#rebalancedAt < REPLAY_MS) return true;
      place.next = offset + 1n;
    } else {
      this.#places.set(key, { topicId, next: offset + 1n });
    }
    return false;
  }
}
