/** A Flume 1.11 on a host of its own between two of ours: the links to it go down and lose all that is sent. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLEAN, harmOf, reportOf } from '../faults/referee/referee.ts';
import { flumeAvailable } from '../servers/flume.ts';
import { avroSink, avroSource, BATCH, Chain, netcatSource, rollSink, type Settings } from './chain.ts';
import { flumeHop } from './flume-hop.ts';
import { addHost, hostsMissing, Link } from './hosts.ts';

const LONG = process.env['MILLRACE_LONG'] === '1';
const ROUNDS = LONG ? 10 : 1;
const PORT = 4141;
const ANSWER_MS = 10_000;
/** Shorter than the time-outs, and longer: what was sent arrives after all, or is sent again. */
const FAULTS_MS = [ANSWER_MS / 4, 1.5 * ANSWER_MS];
const TIMES: Settings = { 'connect-timeout': ANSWER_MS, 'request-timeout': ANSWER_MS };

describe('Flume 1.11 on a host between two of ours', { skip: hostsMissing || flumeAvailable(), timeout: LONG ? 3_600_000 : 330_000 }, () => {
  test(`A1 A6 each link down and a black hole, ${ROUNDS} times: lost 0, at most one batch twice for each answer that is lost`, async (t) => {
    const chain = new Chain(t, { lengths: 'numbered-short' });
    const hosts = [addHost('flume1'), addHost('flume2')] as const;
    const links = [new Link(undefined, 'flume1'), new Link('flume1', 'flume2')] as const;
    const first = chain.add('first', { source: netcatSource(), sink: avroSink(`${links[0].address}:${PORT}`, TIMES) });
    const middle = flumeHop(t, join(chain.folder, 'middle'), { source: avroSource(PORT), sink: avroSink(`${links[1].address}:${PORT}`, TIMES) }, hosts[0]);
    const last = chain.add('last', { source: avroSource(PORT), sink: rollSink() }, hosts[1]);
    chain.collect(last);
    await last.start();
    await middle.start();
    await first.start();
    chain.send(first, 2, 300);
    await chain.delivers(300, 60_000);
    let faults = 0;
    for (let round = 0; round < ROUNDS; round++) {
      for (const link of links) {
        for (const kind of ['down', 'hole'] as const) {
          for (const lastsMs of FAULTS_MS) {
            chain.referee.fault(`${kind} for ${lastsMs} ms`);
            link.weather(kind);
            await sleep(lastsMs);
            link.weather('clear');
            await chain.delivers(300, 90_000);
            faults++;
          }
        }
      }
    }
    const conclusion = await chain.referee.conclude();
    t.diagnostic(reportOf(conclusion));
    assert.deepEqual(harmOf(conclusion), CLEAN);
    // No connection comes about over a broken link, so one call is in doubt for each.
    assert.ok(conclusion.duplicates <= faults * BATCH, `${conclusion.duplicates} duplicates`);
  });
});
