import { describeError } from '../../core/errors.ts';
import { fetchConfig, type Fetched } from '../../io/fetch-config.ts';
import { ConfigSourceError, type ConfigSource } from './source.ts';

/** As Flume's, for the connection and for each piece of the answer. */
const TIME_OUT_MS = 60_000;
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_REDIRECTIONS = 5;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  properties: 'text/x-java-properties',
  json: 'application/json',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  xml: 'application/xml',
};

export interface HttpLogin {
  readonly user: string;
  readonly password: string;
}

/**
 * A configuration at an `http:` or `https:` address (part 1 §1.11). It is asked for again with `If-Modified-Since`, and `If-None-Match`
 * where the server gives a tag; a body that is the same as before is no change even if the server cannot tell. Redirections are followed
 * on the same scheme, host and port only, so that the login goes nowhere else.
 */
export class HttpConfig implements ConfigSource {
  readonly name: string;
  readonly #url: URL;
  readonly #login: HttpLogin | undefined;
  #last: { readonly body: Buffer; readonly lastModified: string | undefined; readonly etag: string | undefined } | undefined;

  constructor(uri: URL, login: HttpLogin | undefined) {
    const { username, password } = uri;
    this.#url = new URL(uri);
    this.#url.username = '';
    this.#url.password = '';
    this.#url.hash = '';
    this.name = this.#url.href;
    this.#login = login ?? (username === '' ? undefined : { user: decodeURIComponent(username), password: decodeURIComponent(password) });
  }

  async read(): Promise<Buffer> {
    const { status, body, lastModified, etag } = await this.#get(this.#url, 0);
    if (status === 304 && this.#last) return this.#last.body;
    if (status === 401) throw this.#error('the server wants another user or password (401)', 'give them as --conf-user and --conf-password');
    if (status === 404) throw this.#error('there is no such document (404)', 'look at the address');
    if (status !== 200) throw this.#error(`the server answers ${status}`, 'try the address with another program');
    this.#last = { body, lastModified, etag };
    return body;
  }

  async look(): Promise<string> {
    return process.getBuiltinModule('node:crypto').createHash('sha256').update(await this.read()).digest('base64');
  }

  async #get(url: URL, redirections: number): Promise<Fetched> {
    const answer = await this.#send(url);
    if (answer.location === undefined || ![301, 302, 303, 307, 308].includes(answer.status)) return answer;
    const target = new URL(answer.location, url);
    if (target.origin !== this.#url.origin) {
      throw this.#error(`the server sends us on to ${target.origin}, and configurations are taken from the configured host only`, 'name the final address');
    }
    if (redirections >= MOST_REDIRECTIONS) throw this.#error(`the server sends us on more than ${MOST_REDIRECTIONS} times`, 'name the final address');
    return this.#get(target, redirections + 1);
  }

  async #send(url: URL): Promise<Fetched> {
    try {
      return await fetchConfig({ url, headers: this.#headers(url), timeoutMs: TIME_OUT_MS, totalMs: 2 * TIME_OUT_MS, mostBytes: MOST_BYTES });
    } catch (error) {
      throw this.#error(describeError(error), 'look at the address and the server');
    }
  }

  #headers({ pathname }: URL): Record<string, string> {
    const extension = pathname.slice(pathname.lastIndexOf('.') + 1);
    const headers: Record<string, string> = { 'Content-Type': Object.hasOwn(CONTENT_TYPES, extension) ? (CONTENT_TYPES[extension] ?? '') : 'text/plain' };
    if (this.#login) headers['Authorization'] = `Basic ${Buffer.from(`${this.#login.user}:${this.#login.password}`).toString('base64')}`;
    const since = httpDate(this.#last?.lastModified);
    if (since !== undefined) headers['If-Modified-Since'] = since;
    if (this.#last?.etag !== undefined) headers['If-None-Match'] = this.#last.etag;
    return headers;
  }

  #error(reason: string, hint: string): ConfigSourceError {
    return new ConfigSourceError(`cannot read ${this.name}: ${reason}`, hint);
  }
}

/** In the one form that HTTP allows to send, with the day in two digits. */
function httpDate(text: string | undefined): string | undefined {
  const time = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time).toUTCString();
}
