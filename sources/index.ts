import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';
import { netcatSource } from './netcat.ts';
import { netcatUdpSource } from './netcatudp.ts';
import { execSource } from './exec.ts';
import { sequenceSource } from './seq.ts';
import { stressSource } from './stress.ts';
import { avroSource } from './avro/index.ts';
import { thriftSource } from './thrift.ts';
import { syslogTcpSource } from './syslogtcp.ts';
import { syslogUdpSource } from './syslogudp.ts';
import { multiportSyslogTcpSource } from './multiport-syslogtcp.ts';
import { spooldirSource } from './spooldir/index.ts';
import { taildirSource } from './taildir/index.ts';
import { httpSource } from './http/index.ts';
import { jmsSource } from './jms.ts';
import { kafkaSource } from './kafka/index.ts';
import { twitterSource } from './twitter.ts';
import { scribeSource } from './scribe.ts';
import { avroLegacySource } from './avro-legacy.ts';
import { thriftLegacySource } from './thrift-legacy.ts';

const all: readonly AnyDefinition<'source'>[] = [
  netcatSource,
  netcatUdpSource,
  execSource,
  sequenceSource,
  stressSource,
  avroSource,
  thriftSource,
  syslogTcpSource,
  syslogUdpSource,
  multiportSyslogTcpSource,
  spooldirSource,
  taildirSource,
  httpSource,
  jmsSource,
  kafkaSource,
  twitterSource,
  scribeSource,
  avroLegacySource,
  thriftLegacySource,
];

export const sources = new Registry('source', all);
