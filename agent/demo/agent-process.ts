import { environmentFor, startChild, type Child, type Exit } from '../../io/child-process.ts';

const MOST_LOG = 8000;

/** An agent in a process of its own, to be killed. */
export class AgentProcess {
  readonly exited: Promise<Exit>;
  /** Port of its netcat source `r1`, once it listens; rejects where the process ends before. */
  readonly port: Promise<number>;
  readonly #child: Child;
  #log = '';

  private constructor(child: Child) {
    this.#child = child;
    this.exited = child.exited;
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    this.port = new Promise((resolve, reject) => {
      let line = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        this.#keep(text);
        const lines = (line + text).split('\n');
        line = lines.pop() ?? '';
        for (const each of lines) {
          const port = portIn(each);
          if (port !== undefined) resolve(port);
        }
      });
      void child.exited.then(() => reject(new Error(`the agent ended before it listened:\n${this.#log}`)));
    });
    this.port.catch(() => undefined);
  }

  /** `command`: the launcher of this installation. */
  static async start(command: string, configuration: string, deadLetters: string): Promise<AgentProcess> {
    const words = ['agent', '--name', 'a1', '--conf-file', configuration, '--no-reload-conf'];
    const properties = { 'millrace.log.format': 'json', 'flume.root.logger': 'INFO,console', 'millrace.dead.letters': deadLetters };
    const child = await startChild([command, ...words, ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`)], environmentFor(['*']));
    return new AgentProcess(child);
  }

  /** The last that it said. */
  get log(): string {
    return this.#log;
  }

  /** SIGKILL: nothing of the process runs any more, no handler, no flush. Resolves `false` if it had ended by itself. */
  async kill(): Promise<boolean> {
    const ended = await Promise.race([this.exited, Promise.resolve(undefined)]);
    if (ended === undefined) process.kill(this.#child.pid, 'SIGKILL');
    const { signal } = await this.exited;
    await this.#child.end(0);
    return signal === 'SIGKILL';
  }

  /** Stops it in order, or kills it after `graceMs`. Safe after its end. */
  async stop(graceMs: number): Promise<void> {
    await this.#child.end(graceMs);
  }

  #keep(text: string): void {
    this.#log = (this.#log + text).slice(-MOST_LOG);
  }
}

function portIn(line: string): number | undefined {
  if (!line.includes('"a1.sources.r1"') || !line.includes('"listens"')) return undefined;
  const port = Number(/"address":"[^"]*:(\d+)"/.exec(line)?.[1]);
  return Number.isNaN(port) ? undefined : port;
}
