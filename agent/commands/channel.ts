import { CorruptionError, describeError } from '../../core/errors.ts';
import { escapeControls } from '../../core/printable.ts';
import { askRunning } from '../channel-tools/running.ts';
import { findTarget } from '../channel-tools/target.ts';
import type { ChannelArguments, CommandIo } from '../command-line/types.ts';

/** EX_NOINPUT: there is no store, or it cannot be read. */
const EXIT_NO_INPUT = 66;

/**
 * `channel stat|peek|export|verify|repair`: looks into a durable channel without its agent, or asks the agent that runs. Only `repair --yes`
 * changes anything. Resolves with 0; 1 where damage was found or is left; 64 where the words make no sense; 66 where there is no store;
 * 69 where no agent answers; 75 where somebody else has the store open and must not.
 */
export async function channel(args: ChannelArguments, io: CommandIo): Promise<number> {
  if (args.url !== undefined) return askRunning({ ...args, url: args.url }, io);
  try {
    const target = await findTarget(args, io);
    const { examine } = await import('../channel-tools/offline.ts');
    return await examine(target, args, io);
  } catch (error) {
    const mendable = error instanceof CorruptionError && args.action !== 'repair';
    io.err(`Error: ${escapeControls(describeError(error))}\n${mendable ? 'millrace channel repair shows what can be done about it, and changes nothing without --yes\n' : ''}`);
    return EXIT_NO_INPUT;
  }
}
