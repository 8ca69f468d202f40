/**
 * What must never be printed: values whose key says so, and what people put into URLs and login strings. Options that are declared
 * secret are known to the plan.
 */

/** `pas+w` also hides what a misspelt key holds, such as "pasword". */
const SECRET_KEY =
  /pass(?:word|wd|phrase)?(?:$|[._-])|pas+w|(?:^|[._-])pwd|secret|token(?!izer)|credential|private[._-]?key|access[._-]?key|api[._-]?key|keytab|jaas\.config|authorization/i;

/** Whether a property's name says that its value is a secret. A path to a secret counts too: it costs nothing to hide. */
export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key);
}

const LOGIN_IN_URL = /((?<![a-z0-9+.-])[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']*@/gi;
const LOGIN_STRING = /\b((?:password|passwd|secret|token|pwd)\s*[=:]\s*)("[^"]*"?|'[^']*'?|[^\s;,"']+)/gi;

/** The user and password that an address in the text holds, together and each by itself. */
export function loginsIn(text: string): readonly string[] {
  return [...text.matchAll(LOGIN_IN_URL)].flatMap(([whole, scheme = '']) => {
    const login = whole.slice(scheme.length, -1);
    const colon = login.indexOf(':');
    return colon < 0 ? [] : [login, login.slice(colon + 1)];
  });
}

/** The text with the logins of URLs, and what stands behind `password=` and the like, as `***`. */
export function hideSecrets(text: string): string {
  return text.replace(LOGIN_IN_URL, '$1***@').replace(LOGIN_STRING, '$1***');
}
