import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pseudoTxnChannel } from '../../../channels/pseudo-txn.ts';
import type { Channel } from '../../../core/component.ts';
import { channelConformance } from '../../conformance/channel.ts';
import { batchOf, bodiesOf, create, FakeContext, isOpen, never, takeNow } from '../../conformance/fakes.ts';

const NO_TRANSACTIONS = 'what is taken is gone at once';
const WAITS_FOREVER = 'a put waits without a limit';

channelConformance('pseudo-transaction', {
  create: ({ capacity }) => make({ capacity: String(capacity) }),
  exceptions: {
    'a put counts before it is taken, and until it is committed': NO_TRANSACTIONS,
    'a roll-back gives the events back, ahead of those never taken': NO_TRANSACTIONS,
    'loans rolled back in any order come back in the order of the events': NO_TRANSACTIONS,
    'a loan ends once': NO_TRANSACTIONS,
    'C23 endless roll-backs cost no room, no event and no order': NO_TRANSACTIONS,
    'a put waits for loans that end, not for loans that are given back': NO_TRANSACTIONS,
    'a put fails once its keep-alive has passed, and stores nothing': WAITS_FOREVER,
    'puts that wait behind one that fails fail too, whatever room there is': WAITS_FOREVER,
    'model: random puts, takes, commits and roll-backs end as in a simple list': NO_TRANSACTIONS,
  },
});

describe('pseudo-transaction channel', () => {
  test('PT-01 put, take, roll back, take: the event is lost, and counted', async () => {
    const context = new FakeContext();
    const channel = await make({}, context);
    await channel.put(batchOf('a', 'b'), never);
    const loan = await takeNow(channel, 5);
    assert.deepEqual(bodiesOf(loan?.batch ?? batchOf()), ['a', 'b']);
    await loan?.rollback();
    assert.equal(await takeNow(channel, 5), undefined);
    assert.equal(context.counted('EventLostCount'), 2);
    assert.match(context.log.complaints[0] ?? '', /events are lost/);
  });

  test('a put waits for room until somebody takes', async () => {
    const channel = await make({ capacity: '1' });
    await channel.put(batchOf('a'), never);
    const put = channel.put(batchOf('b'), never);
    assert.ok(await isOpen(put));
    await takeNow(channel, 1);
    await put;
  });
});

async function make(properties: Record<string, string>, context = new FakeContext()): Promise<Channel> {
  return create(pseudoTxnChannel, properties, context) as Promise<Channel>;
}
