import type { RejectionDetail } from '../../core/errors.ts';

/** How one document fared. */
export type Verdict =
  /** It is there; `already`: it was before. */
  | { readonly kind: 'stored'; readonly already: boolean }
  /** It may be taken later. */
  | { readonly kind: 'later'; readonly status: number; readonly reason: string }
  /** It never will be. */
  | ({ readonly kind: 'never' } & RejectionDetail);

/** What was asked for, as far as an answer has to fit it. */
export interface Asked {
  readonly operation: 'index' | 'create';
  /** Documents in the request. */
  readonly count: number;
  /** Of a document in the request, by its number there, where we chose it. */
  idOf(index: number): string | undefined;
  /** The name of the index depends on what the events carry: an index that is missing is then a fault of the event. */
  readonly indexFromEvents: boolean;
}

/** The answer is none to this request, so nothing is known. */
export class OddAnswerError extends Error {}

const STORED: Verdict = { kind: 'stored', already: false };
const ALREADY: Verdict = { kind: 'stored', already: true };
const LONGEST_REPLY = 2000;
/** Faults of the destination or of our configuration that come as if they were the document's. */
const NOT_THE_DOCUMENT = [
  /maximum (normal |frozen )?shards open/,
  /^pipeline with id \[[^\]]*\] does not exist/,
  /only write ops with an op_type of create are allowed in data streams/,
];

/**
 * Judges each item of the answer to a `_bulk` request by itself. An answer that does not fit the request in number, operation or ids, or
 * cannot be understood, confirms nothing.
 * @throws OddAnswerError
 */
export function judge(body: Buffer, asked: Asked): Verdict[] {
  const items = itemsOf(body);
  const { operation, count } = asked;
  if (items.length !== count) throw new OddAnswerError(`the answer speaks of ${items.length} documents, and ${count} were sent`);
  return items.map((item, index) => {
    const result = isRecord(item) && Object.keys(item).length === 1 ? item[operation] : undefined;
    if (!isRecord(result) || !Number.isInteger(result['status'])) {
      throw new OddAnswerError(`document ${index + 1} of ${count} has an answer that is none to "${operation}"`);
    }
    const id = asked.idOf(index);
    if (id !== undefined && result['_id'] !== undefined && result['_id'] !== id) {
      throw new OddAnswerError(`document ${index + 1} of ${count} has the answer of another one`);
    }
    return verdictOf(result['status'] as number, result['error'], id !== undefined, asked);
  });
}

function verdictOf(status: number, error: unknown, ownId: boolean, { operation, indexFromEvents }: Asked): Verdict {
  if (status === 200 || status === 201) {
    if (error === undefined || error === null) return STORED;
    return { kind: 'later', status, reason: reasonOf(status, error) };
  }
  if (status === 409 && operation === 'create' && ownId) return ALREADY;
  const reason = reasonOf(status, error);
  const later: Verdict = { kind: 'later', status, reason };
  // Credentials and blocks are put right by somebody; a missing index too, unless the event has named it.
  if (status === 429 || status >= 500 || status === 401 || status === 403 || status === 409) return later;
  if (status === 404 && !indexFromEvents) return later;
  if (status < 400) return later;
  const text = isRecord(error) && typeof error['reason'] === 'string' ? error['reason'] : '';
  if (NOT_THE_DOCUMENT.some((pattern) => pattern.test(text))) return later;
  return { kind: 'never', reason, reply: replyOf(status, error) };
}

/** `400 mapper_parsing_exception: failed to parse field [n]`, with what caused it. */
function reasonOf(status: number, error: unknown): string {
  if (!isRecord(error)) return `the server answered ${status}${typeof error === 'string' ? `: ${error.slice(0, 300)}` : ''}`;
  const cause = error['caused_by'];
  const parts = [error, cause].flatMap((part) => (isRecord(part) ? [`${text(part['type'])}: ${text(part['reason'])}`] : []));
  return `the server answered ${status} ${parts.join(', caused by ')}`.slice(0, 600);
}

function replyOf(status: number, error: unknown): string {
  return (JSON.stringify({ status, error }) ?? '').slice(0, LONGEST_REPLY);
}

function itemsOf(body: Buffer): unknown[] {
  let answer: unknown;
  try {
    answer = JSON.parse(body.toString());
  } catch {
    throw new OddAnswerError(`the answer is no JSON: ${JSON.stringify(body.toString('latin1', 0, 100))}`);
  }
  if (!isRecord(answer) || !Array.isArray(answer['items'])) throw new OddAnswerError('the answer has no items');
  return answer['items'];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : 'unknown';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
