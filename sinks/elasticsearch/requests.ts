import { escapeControls } from '../../core/printable.ts';
import type { HttpAnswer } from '../../io/http-client.ts';

export type Login =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'api key'; readonly key: string };

/** The header that logs in; only ever sent to the servers of the configuration. A login in the address is for that server alone. */
export function authorization(url: URL, login: Login | undefined): { authorization?: string } {
  if (url.username !== '') return basic(decodeURIComponent(url.username), decodeURIComponent(url.password));
  if (!login) return {};
  if (login.kind === 'basic') return basic(login.username, login.password);
  // As the server gives it: encoded already, or the id and the key.
  const key = login.key.includes(':') ? Buffer.from(login.key).toString('base64') : login.key;
  return { authorization: `ApiKey ${key}` };
}

/** What an answer other than 200 says, and what helps. */
export function statusError({ status, headers, body }: HttpAnswer, url: URL): Error {
  const said = escapeControls(body.toString('utf8', 0, 300));
  return new Error(`${url.host} answered ${status}${helpFor(status, headers.location)}${said === '' ? '' : `: ${said}`}`);
}

function helpFor(status: number, location: string | undefined): string {
  if (status === 401) return ' (look at username and password, or at apiKey)';
  if (status === 403) return ' (the login may not write there)';
  if (status >= 300 && status < 400) return ` (it leads to ${escapeControls(location ?? 'nowhere').slice(0, 200)}, which is not followed)`;
  return '';
}

function basic(username: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}
