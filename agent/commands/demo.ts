import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { describeError } from '../../core/errors.ts';
import { inThousands } from '../../core/printable.ts';
import { storeFiles } from '../../io/store-files.ts';
import { Progress } from '../command-line/progress.ts';
import type { CommandIo, DemoArguments } from '../command-line/types.ts';
import { newFolder, runKilledAgent } from '../demo/killed-agent.ts';
import type { Account } from '../demo/numbered-lines.ts';
import { home } from '../installation.ts';

const EXIT_LOST = 1;
/** EX_SOFTWARE */
const EXIT_FAILED = 70;
const SIGNALS: readonly (readonly [NodeJS.Signals, number])[] = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
];

/**
 * `demo`: numbered lines go through an agent with a durable channel into files, while the agent is killed again and again; then they are
 * counted. Resolves with 0 (nothing lost, nothing altered), 1 (something was), 70 (the agent does not work here).
 */
export async function demo(args: DemoArguments, io: CommandIo): Promise<number> {
  const { kills, keep, json } = args;
  const seed = args.seed ?? randomInt(2 ** 32);
  const folder = newFolder();
  const progress = new Progress(io);
  const interrupt = onSignals();
  const began = performance.now();
  const seconds = (): string => ((performance.now() - began) / 1000).toFixed(1);
  if (!json) io.out(`Lines over TCP > netcat source > file channel > file_roll sink; the agent is killed with kill -9 ${kills} times.\nSeed ${seed}, data in ${folder}\n\n`);
  progress.show(0, 'the first agent starts');
  try {
    const account = await runKilledAgent(folder, {
      command: join(home, 'bin', 'millrace'),
      kills,
      seed,
      signal: interrupt.signal,
      killed({ number, afterMs, inTheStart, acknowledged }) {
        const when = `${(afterMs / 1000).toFixed(2)} s after its start${inTheStart ? ', while it starts' : ''}`;
        progress.show(number / (kills + 1), `kill ${number} of ${kills}, ${inThousands(acknowledged)} lines acknowledged`);
        progress.line(`kill ${number} of ${kills}, ${when}; ${inThousands(acknowledged)} lines acknowledged so far`);
      },
      draining() {
        progress.show(kills / (kills + 1), 'the last agent delivers what is left');
        progress.line('the last agent delivers what is left');
      },
    });
    progress.end();
    io.out(json ? `${JSON.stringify({ seed, kills, seconds: Number(seconds()), ...account })}\n` : accountText(account, kills, seconds(), io.colour));
    return account.lost + account.altered > 0 ? EXIT_LOST : 0;
  } catch (error) {
    progress.end();
    if (interrupt.status !== undefined) return interrupt.status;
    io.err(`Error: the demo cannot go on: ${describeError(error)}\nTo repeat it: millrace demo --seed ${seed}\n`);
    return EXIT_FAILED;
  } finally {
    interrupt.release();
    if (keep) io.err(`Kept: ${folder} (the configuration, the store, and in out/ what was delivered)\n`);
    else await storeFiles.remove(folder);
  }
}

function accountText(account: Account, kills: number, seconds: string, colour: boolean): string {
  const { sent, acknowledged, delivered, duplicate, altered, lost } = account;
  const rows: readonly (readonly [string, number, string])[] = [
    ['sent', sent, 'lines; those without an answer were not sent again'],
    ['acknowledged', acknowledged, 'answered with OK before the kill'],
    ['delivered', delivered, 'different lines in the files of the sink'],
    ['duplicate', duplicate, 'further copies: what the sink had written and not yet committed'],
    ['altered', altered, 'lines in the files that were never sent so'],
    ['lost', lost, 'acknowledged, and in no file'],
  ];
  const width = Math.max(...rows.map(([, count]) => inThousands(count).length));
  const bold = (text: string, bad: boolean): string => (colour ? `\u001b[1;${bad ? '31' : '32'}m${text}\u001b[0m` : text);
  const lines = rows.map(([name, count, meaning]) => {
    const text = `${name.padEnd(12)}  ${inThousands(count).padStart(width)}`;
    return `  ${name === 'lost' || name === 'altered' ? bold(text, count > 0) : text}  ${meaning}\n`;
  });
  const verdict = lost + altered === 0 ? `Nothing that was acknowledged is lost after ${kills} kills` : `${inThousands(lost)} acknowledged lines are lost, ${inThousands(altered)} altered, after ${kills} kills`;
  return `${lines.join('')}\n${verdict}; ${seconds} s.\n`;
}

interface Interrupt {
  readonly signal: AbortSignal;
  /** What a shell answers for a process that ended so; absent while there was no signal. */
  readonly status: number | undefined;
  release(): void;
}

/** Whoever is interrupted takes away what was started first. */
function onSignals(): Interrupt {
  const controller = new AbortController();
  let status: number | undefined;
  const handlers = SIGNALS.map(([name, code]) => {
    const handler = (): void => {
      status ??= code;
      controller.abort();
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  return {
    signal: controller.signal,
    get status() {
      return status;
    },
    release: () => handlers.forEach((off) => off()),
  };
}
