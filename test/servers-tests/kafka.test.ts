/** The parts for Kafka against a broker of their own. */

import { after, before, describe } from 'node:test';
import { kafkaMissing, startKafka, type Kafka } from '../servers/kafka.ts';
import { channelCases } from './kafka-channel-cases.ts';
import { exactlyOnceCases, rejectedOnceCases } from './kafka-exactly-once-cases.ts';
import { refusedLoginCases, sinkCases } from './kafka-sink-cases.ts';
import { exactChannelCases } from './kafka-exact-channel-cases.ts';
import { groupKillCases, rebalanceStormCases, scaleOutCases } from './kafka-group-cases.ts';
import { killCases } from './kafka-kill-cases.ts';
import { longReaderCases, readerCases } from './kafka-reader-cases.ts';
import { rebalanceCases, sourceCases } from './kafka-source-cases.ts';

describe('Kafka', { skip: kafkaMissing() }, () => {
  let kafka: Kafka;
  before(async () => {
    kafka = await startKafka();
  });
  after(() => kafka.stop());
  sinkCases(() => kafka);
  refusedLoginCases(() => kafka);
  exactlyOnceCases(() => kafka);
  rejectedOnceCases(() => kafka);
  sourceCases(() => kafka);
  rebalanceCases(() => kafka);
  readerCases(() => kafka);
  longReaderCases(() => kafka);
  channelCases(() => kafka);
  exactChannelCases(() => kafka);
  killCases(() => kafka);
  groupKillCases(() => kafka);
  rebalanceStormCases(() => kafka);
  scaleOutCases(() => kafka);
});
