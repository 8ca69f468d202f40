import type * as Library from '@platformatic/kafka';

/** Kafka's range assignor, which Flume's client asks for: of each topic every member gets a run of partitions, the first members one more. */
export const assignByRange: Library.GroupPartitionsAssigner = (_current, members, topics, metadata) => {
  const assigned = new Map([...members.keys()].map((memberId) => [memberId, new Map<string, Library.GroupAssignment>()]));
  for (const topic of topics) {
    const readers = [...members.values()].filter((member) => member.topics?.includes(topic) ?? true).map(({ memberId }) => memberId).sort();
    const count = metadata.topics.get(topic)?.partitionsCount ?? 0;
    let next = 0;
    for (const [place, memberId] of readers.entries()) {
      const share = Math.floor(count / readers.length) + (place < count % readers.length ? 1 : 0);
      if (share > 0) assigned.get(memberId)?.set(topic, { topic, partitions: Array.from({ length: share }, (_, index) => next + index) });
      next += share;
    }
  }
  return [...assigned].map(([memberId, assignments]) => ({ memberId, assignments }));
};
