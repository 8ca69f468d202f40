import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ChannelFullError } from '../../../core/errors.ts';
import { syslogTcpSource } from '../../../sources/syslogtcp.ts';
import { eventually, FakeSourceContext } from '../../conformance/fakes.ts';
import { sourceConformance } from '../../conformance/source.ts';
import { Late, started as startedOf } from './syslog/late.ts';

function started(t: Pick<TestContext, 'after'>, context: FakeSourceContext, properties: Record<string, string> = {}): Promise<Late> {
  return startedOf(t, syslogTcpSource, context, { port: '0', ...properties });
}

sourceConformance('syslogtcp', {
  create: (context) => new Late(syslogTcpSource, context, { port: '0' }),
  feed: (source, body) => (source as Late).send(body === '' ? '<13>1 - h \n' : `<13>1 - h ${body}\n`),
  ofEmpty: '<13>1 - h ',
  afterFailure: 'next',
});

test('ST-20 ten records over ten connections', async (t) => {
  const context = new FakeSourceContext();
  for (let number = 0; number < 10; number++) {
    const source = await started(t, context, { keepFields: 'all' });
    await source.send(`<13>1 - h ${number}\n`);
  }
  await eventually(() => context.counted('EventAcceptedCount') === 10, 'ten events');
  assert.deepEqual(context.bodies.toSorted(), Array.from({ length: 10 }, (_, number) => `<13>1 - h ${number}`));
});

test('ST-21 a channel that refuses holds the connection up; nothing is dropped', async (t) => {
  const context = new FakeSourceContext();
  context.deliver = async (batch, options) => {
    assert.equal(options?.wait, true);
    options.refused?.(new ChannelFullError('full'));
    context.delivered.push(batch);
  };
  const source = await started(t, context);
  await source.send('<13>1 - h one\n');
  await eventually(() => context.counted('EventAcceptedCount') === 1, 'the event');
  assert.equal(context.counted('ChannelWriteFail'), 1);
});

test('ST-23 headers that tell of the sender', async (t) => {
  const context = new FakeSourceContext();
  const source = await started(t, context, { clientIPHeader: 'host', clientHostnameHeader: 'name' });
  await source.send('<13>1 - h one\n');
  await eventually(() => context.delivered.length === 1, 'the event');
  const headers = context.delivered[0]?.headers(0);
  assert.equal(headers?.get('host'), '127.0.0.1');
  assert.match(headers?.get('name') ?? '', /localhost|127\.0\.0\.1/);
});

test('N14 N15 counted frames are not understood: lines that begin with a number are invalid records, whatever the number', async (t) => {
  const context = new FakeSourceContext();
  const source = await started(t, context);
  await source.send('0 <13>a\n18446744073709551615 <13>b\n-1 <13>c\n5 <13>d\0\n<13>1 - h good\0\n');
  await eventually(() => context.bodies.length === 5, 'five events');
  assert.deepEqual(context.bodies, ['0 <13>a', '18446744073709551615 <13>b', '-1 <13>c', '5 <13>d\0', 'good\0']);
});

test('ST-30 a record without an end is counted and said', async (t) => {
  const context = new FakeSourceContext();
  const source = await started(t, context);
  await source.send('<13>1 - h no end');
  (await source.socket)?.end();
  await eventually(() => context.counted('EventIncompleteCount') === 1, 'the count');
  assert.deepEqual(context.bodies, []);
});
