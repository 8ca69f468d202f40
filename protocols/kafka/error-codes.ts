/** Error codes of the Kafka protocol that we answer in a way of their own. */
export const ERRORS = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  messageTooLarge: 10,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  recordListTooLarge: 18,
  invalidTimestamp: 32,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  concurrentTransactions: 51,
  operationNotAttempted: 55,
  unknownProducerId: 59,
  invalidRecord: 87,
  unstableOffsets: 88,
  producerFenced: 90,
} as const;

/** Those that pass by themselves, or once metadata or the producer's number are fetched anew. */
const RETRIABLE = new Set([2, 3, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 41, 45, 47, 51, 56, 59, 72, 74, 75, 76, 78, 79, 89, 100, 103]);

export function retriable(code: number): boolean {
  return RETRIABLE.has(code);
}
