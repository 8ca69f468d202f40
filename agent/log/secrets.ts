/** Shorter texts stand in too many innocent places. */
const SHORTEST = 4;

/** The texts that must never be printed. */
export class Secrets {
  readonly #known = new Set<string>();
  #pattern: RegExp | undefined;

  /** Also hides a text as it looks in a URL, in JSON and within quotes. */
  hide(secrets: Iterable<string>): void {
    for (const secret of secrets) {
      if (secret.length < SHORTEST) continue;
      for (const form of [secret, urlForm(secret), JSON.stringify(secret).slice(1, -1)]) this.#known.add(form);
    }
    // The longest first: one secret may be the beginning of another.
    const forms = [...this.#known].sort((a, b) => b.length - a.length);
    this.#pattern = forms.length > 0 ? new RegExp(forms.map(literally).join('|'), 'g') : undefined;
  }

  mask(text: string): string {
    return this.#pattern ? text.replace(this.#pattern, '***') : text;
  }
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

function urlForm(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}
