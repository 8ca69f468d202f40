/** The text of one configuration file, kept to show its lines beside a problem. */
export class ConfigText {
  /** As it was named to the agent: a path or a URI without user and password. */
  readonly name: string;
  readonly text: string;
  #lines: readonly string[] | undefined;

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
  }

  /** Physical lines without their ends, as `java.util.Properties` counts them: LF, CR and CR LF end a line. */
  get lines(): readonly string[] {
    this.#lines ??= this.text.split(/\r\n|\r|\n/);
    return this.#lines;
  }
}
