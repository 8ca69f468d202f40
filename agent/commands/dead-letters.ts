import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describeError } from '../../core/errors.ts';
import { cut, escapeControls } from '../../core/printable.ts';
import { askAgent } from '../../io/ask-agent.ts';
import { letterFiles } from '../../io/letter-files.ts';
import type { CommandIo, DeadLettersArguments } from '../command-line/types.ts';
import type { Letter } from '../dead-letters/letter.ts';
import { requestPath, type ReplayAnswer } from '../dead-letters/replay.ts';
import { readSegments, selects, takeLetters, type Selection } from '../dead-letters/segments.ts';
import { commonFolder } from '../dead-letters/settings.ts';

const EXIT_USAGE = 64;
/** EX_UNAVAILABLE: what was asked for could not be done now. */
const EXIT_UNAVAILABLE = 69;
/** An answer takes 4 s at most, and a file of letters is read before it. */
const ANSWER_MS = 60_000;
const SHOWN = 100;

/**
 * `dead-letters ls|show|replay|purge`. Resolves with 0; 1 where no letter is meant by what was said; 64 where too little was said; 69 where
 * an agent, a channel or a folder was in the way.
 */
export async function deadLetters(args: DeadLettersArguments, io: CommandIo): Promise<number> {
  const folder = folderOf(args);
  try {
    if (args.action === 'ls') return await list(folder, args, io);
    if (args.action === 'show') return await show(folder, args, io);
    if (args.action === 'purge') return await purge(folder, args, io);
    return await replay(folder, args, io);
  } catch (error) {
    io.err(`Error: ${describeError(error)}\n`);
    return EXIT_UNAVAILABLE;
  }
}

function folderOf({ directory, selection }: DeadLettersArguments): string {
  if (directory !== undefined) return directory;
  return selection.agent === undefined ? commonFolder() : join(commonFolder(), selection.agent.replace(/[^\w.-]/g, '_'));
}

async function list(folder: string, { selection, json, all }: DeadLettersArguments, io: CommandIo): Promise<number> {
  let count = 0;
  let bytes = 0;
  let unreadable = 0;
  for await (const segment of readSegments(folder)) {
    unreadable += segment.unreadable;
    for (const letter of segment.letters.filter(selects(selection))) {
      count++;
      bytes += letter.event.body.length;
      if (json) io.out(`${jsonOf(letter)}\n`);
      else if (all || count <= SHOWN) io.out(`${lineOf(letter)}\n`);
    }
  }
  if (json) return count > 0 ? 0 : 1;
  if (!all && count > SHOWN) io.out(`… and ${count - SHOWN} more (--all)\n`);
  const odd = unreadable > 0 ? `; ${unreadable} lines there are no letters` : '';
  io.out(`${count === 0 ? 'no dead letters' : plural(count)} in ${folder}${count > 0 ? `, ${bytes} bytes of events` : ''}${odd}\n`);
  return count > 0 ? 0 : 1;
}

async function show(folder: string, { selection, json }: DeadLettersArguments, io: CommandIo): Promise<number> {
  let count = 0;
  for await (const { file, letters } of readSegments(folder)) {
    for (const letter of letters.filter(selects(selection))) {
      count++;
      io.out(json ? `${jsonOf(letter)}\n` : `${pageOf(letter, file.path)}\n`);
    }
  }
  if (count === 0) io.err(`no such dead letter in ${folder}\n`);
  return count > 0 ? 0 : 1;
}

async function purge(folder: string, { selection, all }: DeadLettersArguments, io: CommandIo): Promise<number> {
  if (!all && !saysSomething(selection)) return tooLittle(io, 'say which letters are to go (ids, --component, --reason, --since, --until), or --all');
  const { taken } = await takeLetters(folder, selection, async (letters) => letters.length);
  io.out(`${plural(taken)} removed from ${folder}\n`);
  return taken > 0 ? 0 : 1;
}

async function replay(folder: string, args: DeadLettersArguments, io: CommandIo): Promise<number> {
  const { channel, selection, all } = args;
  if (channel === undefined) return tooLittle(io, 'say which channel the events are to go into: --channel NAME');
  if (!all && !saysSomething(selection)) return tooLittle(io, 'say which letters are meant (ids, --component, --reason, --since, --until), or --all');
  if (args.confFile !== undefined) {
    const { replayIntoStopped } = await import('../dead-letters/stopped-agent.ts');
    const taken = await replayIntoStopped(folder, channel, { ...args, confFile: args.confFile }, io);
    if (taken === undefined) return EXIT_UNAVAILABLE;
    io.out(`${plural(taken)} put into channel ${channel}\n`);
    return taken > 0 ? 0 : 1;
  }
  return replayIntoRunning(folder, channel, args, io);
}

/** The request lies where only the agent's owner may write: its name is all that goes over the connection. */
async function replayIntoRunning(folder: string, channel: string, { selection, url }: DeadLettersArguments, io: CommandIo): Promise<number> {
  const name = randomBytes(16).toString('hex');
  const path = requestPath(folder, name);
  await letterFiles.makeFolder(folder);
  await letterFiles.create(path, Buffer.from(JSON.stringify({ channel, selection })));
  let taken = 0;
  try {
    for (;;) {
      const answer = await ask(new URL(`/dead-letters/replay?request=${name}`, url));
      taken += answer.taken;
      if (answer.error !== undefined) throw new Error(`${answer.error} (folder ${folder}; ${plural(taken)} put into channel ${channel})`);
      if (answer.left === 0) break;
    }
  } finally {
    await letterFiles.remove(path);
  }
  io.out(`${plural(taken)} put into channel ${channel}\n`);
  return taken > 0 ? 0 : 1;
}

async function ask(url: URL): Promise<ReplayAnswer> {
  const answer = await askAgent('POST', url, ANSWER_MS).catch((error: unknown) => {
    const hint = '--url says where the monitoring of the agent listens; into a stopped agent: --conf-file FILE';
    throw new Error(`no agent answers at ${url.origin}: ${describeError(error)}; ${hint}`);
  });
  try {
    return JSON.parse(answer.body) as ReplayAnswer;
  } catch {
    throw new Error(`what answers at ${url.origin} is no agent that can replay: ${answer.status} ${cut(escapeControls(answer.body), 200)}`);
  }
}

function saysSomething(selection: Selection): boolean {
  const { agent: _agent, ...others } = selection;
  return Object.keys(others).length > 0;
}

function tooLittle(io: CommandIo, sentence: string): number {
  io.err(`Error: ${sentence}\n`);
  return EXIT_USAGE;
}

function lineOf({ id, time, component, times, reason, event }: Letter): string {
  const again = times > 1 ? ` (${times} times)` : '';
  return `${id.padEnd(12)}  ${time}  ${escapeControls(component)}  ${event.body.length} B  ${cut(escapeControls(reason), 100)}${again}`;
}

function pageOf({ id, time, component, times, reason, reply, event }: Letter, file: string): string {
  const text = event.body.toString();
  const isText = Buffer.from(text).equals(event.body);
  const lines = [
    `${id}  set aside ${time} by ${component}${times > 1 ? `, for the ${times}th time` : ''}`,
    `  reason  ${reason}`,
    ...(reply === undefined ? [] : [`  reply   ${reply}`]),
    ...[...event.headers].map(([name, value]) => `  header  ${name} = ${value}`),
    `  body    ${isText ? text : `${event.body.length} bytes in base64: ${event.body.toString('base64')}`}`,
    `  file    ${file}`,
  ];
  return `${lines.map((line) => escapeControls(line)).join('\n')}\n`;
}

function jsonOf(letter: Letter): string {
  const { event, ...about } = letter;
  return JSON.stringify({ ...about, headers: Object.fromEntries(event.headers), body: event.body.toString(), bodyBase64: event.body.toString('base64') });
}

function plural(count: number): string {
  return count === 1 ? '1 dead letter' : `${count} dead letters`;
}
