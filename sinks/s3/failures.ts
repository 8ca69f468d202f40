import { describeError, isAbort } from '../../core/errors.ts';

/**
 * What follows from a failed request: `all`: the destination cannot be reached or refuses everybody, so all wait; `credentials`: the
 * same, and the credentials are read anew; `taken`: there is an object of that name; `no upload`: the multipart upload is not there any
 * more; `this`: only this request is refused.
 */
export type Failure = 'all' | 'credentials' | 'taken' | 'no upload' | 'this';

const CREDENTIALS =
  /^(AccessDenied|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken\w*|InvalidToken|TokenRefreshRequired|NotSignedUp|AccountProblem|AuthFailure|Credentials\w*Error|TokenProviderError|403|401)$/;
/** Refusals of status 400 and 404 that have nothing to do with the object, or may pass. */
const PASSING =
  /^(NoSuchBucket|RequestTimeout|RequestTimeTooSkewed|IncompleteBody|BadDigest|InvalidDigest|XAmz\w*Mismatch|AuthorizationHeaderMalformed|IllegalLocationConstraintException|RequestExpired|InternalError|SlowDown|OperationAborted|ConditionalRequestConflict)$/;

export function failureOf(error: unknown): Failure {
  const { name, status } = factsOf(error);
  if (name === 'PreconditionFailed' || status === 412) return 'taken';
  if (name === 'NoSuchUpload') return 'no upload';
  if (CREDENTIALS.test(name) || status === 401 || (status === 403 && name !== 'RequestTimeTooSkewed')) return 'credentials';
  if (status === undefined || status >= 500 || status === 429 || status === 408 || status < 400 || PASSING.test(name)) return status === 501 ? 'this' : 'all';
  return 'this';
}

/** Whether the server may have done what was asked although its answer did not come. */
export function isUnclear(error: unknown): boolean {
  const { status } = factsOf(error);
  return status === undefined || status >= 500;
}

/** Whether the two ends did not agree on certificates or on how to speak TLS. */
export function isOfTls(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /CERT|SIGNED|VERIFY|ISSUER|TLS|SSL/.test(code);
}

/** Milliseconds that the answer asks to wait. */
export function waitAsked(error: unknown): number {
  const { $response } = error as { $response?: { headers?: Record<string, string> } };
  const seconds = Number($response?.headers?.['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 300) * 1000 : 0;
}

/** One line: name, status and message, and what to do where we know. */
export function sayFailure(error: unknown): string {
  if (isAbort(error)) return 'it was given up';
  const { name, status } = factsOf(error);
  const { Region } = error as { Region?: string };
  const text = describeError(error).replace(/\s+/g, ' ').slice(0, 300);
  const hint = HINTS.find(([pattern]) => pattern.test(name))?.[1];
  const said = text.startsWith(name) ? text : `${name}: ${text}`;
  return `${said}${status === undefined ? '' : ` (status ${status})`}${Region === undefined ? '' : `; the bucket is in ${Region}`}${hint === undefined ? '' : `; ${hint}`}`;
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/^NoSuchBucket$/, 'make the bucket: the sink does not'],
  [/^(PermanentRedirect|TemporaryRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|301|307)$/, 'set s3.region to that of the bucket; redirections are not followed'],
  [/^(InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken\w*|InvalidToken|Credentials\w*Error)$/, 'put the credentials right; they are read again at each attempt'],
  [/^AccessDenied$/, 'the credentials need s3:PutObject, s3:GetObject, s3:AbortMultipartUpload and s3:ListBucketMultipartUploads'],
  [/CERT|SIGNED|VERIFY|ISSUER/, 'name the authority in s3.caCertificates, or put the certificate of the server right; it is looked at again at each attempt'],
  [/^RequestTimeTooSkewed$/, "put this machine's clock right"],
];

interface Facts {
  readonly name: string;
  readonly status: number | undefined;
}

function factsOf(error: unknown): Facts {
  const { name, code, $metadata } = error as { name?: string; code?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  return { name: name && name !== 'Error' ? name : (code ?? 'Error'), status };
}
