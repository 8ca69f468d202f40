/** The durable channel with the fault that `PLANTED` names wrapped around it from outside, if it is one of these. */

import { createDurableChannel as createSound, type DurableChannelValues } from '../../../channels/leveldb/create.ts';
import type { Channel, Context, Transaction } from '../../../core/component.ts';

export const PLANTS =  ['early-acknowledgement', 'no-checksum', 'forgetful-roll-back', 'early-head', 'gap-ignored'] as const;

export async function createDurableChannel(context: Context, values: DurableChannelValues): Promise<Channel> {
  const plant = process.env['PLANTED'];
  const sound = await Promise.resolve(createSound(plant === 'gap-ignored' ? silenced(context) : context, values));
  const take: Channel['take'] = async (max, signal) => {
    const loan = await sound.take(max, signal);
    if (!loan) return undefined;
    if (plant === 'early-head') await loan.commit();
    return plant === 'early-head' ? finished(loan) : forgetful(loan, sound);
  };
  const planted: Partial<Channel> = plant === 'early-head' || plant === 'forgetful-roll-back' ? { take } : {};
  // A function of the channel must be called on it, since it has private fields.
  return new Proxy(sound, {
    get(_target, name) {
      const value: unknown = Reflect.get(planted, name) ?? Reflect.get(sound, name);
      return typeof value === 'function' ? value.bind(sound) : value;
    },
  });
}

/** The head is saved; that the events are still on their way is known to nobody. */
function finished({ batch }: Transaction): Transaction {
  return { batch, commit: () => Promise.resolve(), rollback: () => Promise.resolve() };
}

function forgetful(loan: Transaction, sound: Channel): Transaction {
  return {
    batch: loan.batch,
    commit: () => loan.commit(),
    async rollback() {
      await loan.rollback();
      await (await sound.take(1, AbortSignal.timeout(1000)))?.commit();
    },
  };
}

/** What is missing is neither counted nor told. */
function silenced(context: Context): Context {
  const { log } = context;
  const quiet: Context['log'] = {
    error: () => undefined,
    warn: (sentence, facts) => log.warn(sentence, facts),
    info: (sentence, facts) => log.info(sentence, facts),
    debug: (sentence, facts) => log.debug(sentence, facts),
    event: (line) => log.event(line),
    ready: () => log.ready(),
  };
  return {
    name: context.name,
    log: quiet,
    count: (counter, amount) => (counter === 'EventLostCount' ? undefined : context.count(counter, amount)),
    fail: (error) => context.fail(error),
  };
}
