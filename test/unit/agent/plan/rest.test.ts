import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flumes, problemsIn, sentencesIn } from '../planning.ts';

const BROKEN = `a1.sources = r1
a1.sources.r1.type = netcatt
a1.sources.r1.chanels = c1
a1.sources.r1.port = 99999
a1.channels = c1
a1.channels.c1.type = memory # fast
a1.channels.c1.capacity = abc
a1.sinks = k1
a1.sinks.k1.type = file_roll
a1.sinks.k1.channel = c2
a1.sinks.k1.sink.rollInterval = x
`;

test('G1 all faults of a file are told at once, those of components that are dropped before their values are read too', async () => {
  assert.deepEqual(await problemsIn(BROKEN), [
    'M009 1:1',
    'M012 3:15',
    'M013 2:22',
    'M014 2:22',
    'M014 9:20',
    'M015 11:33',
    'M015 4:22',
    'M015 7:27',
    'M019 10:23',
    'M026 6:30',
  ]);
});

test('G1 a type with a typing error or a comment is taken as it was meant when its options are read', async () => {
  const sentences = await sentencesIn(BROKEN);
  assert.match(sentences, /value "99999" of port of source r1 \(netcat\) is outside of 0 to 65535/);
  assert.match(sentences, /value "abc" of capacity of channel c1 \(memory\)/);
});

test('what Flume makes of such a file is not touched', async () => {
  const { verdict, dropped } = await flumes(BROKEN);
  assert.equal(verdict, 'idle');
  assert.deepEqual(dropped.map(({ component }) => component).sort(), ['agent a1', 'sink k1', 'source r1']);
});
