/** syslogtcp and syslogudp: which records there are, their headers and bodies. */

import type { Chain, CompatCase, Observation } from '../side-by-side.ts';
import type { Site } from '../site.ts';

type Options = Readonly<Record<string, string>>;

function syslog(options: Options = {}, type = 'syslogtcp'): Chain {
  return { r1: { type, host: '127.0.0.1', [type === 'multiport_syslogtcp' ? 'ports' : 'port']: '@PORT@', ...options }, c1: { capacity: '1000', transactionCapacity: '1000' }, k1: {} };
}

const END = '<13>1 - - END OF CASE\n';
/** One whose time is no other each time. */
const END_OF_2012 = '<13>1 2012-04-13T11:11:11Z - END OF CASE\n';

/** Header sets in the order of their names: that of a small map depends on how it was made. */
function sorted(text: string): string[] {
  return text.split('\n').slice(0, -1).map((line) => line.replace(/^\{(.*?)\}/, (_, inner: string) => `{${inner.split(', ').sort().join(', ')}}`));
}

async function through(site: Site, text: string | Buffer, end = END): Promise<Observation> {
  await site.talk([Buffer.concat([Buffer.from(text), Buffer.from(end)])], () => true);
  return { events: sorted(await site.written((all) => all.includes('END OF CASE'))) };
}

async function datagrams(site: Site, pieces: readonly (string | Buffer)[]): Promise<Observation> {
  for (const piece of [...pieces, END]) await site.datagrams([piece]);
  return { events: sorted(await site.written((all) => all.includes('END OF CASE'))) };
}

const H = 'ubuntu-11.cloudera.com';
const times = ['2012-04-13T11:11:11+08:00', '1 2012-04-13T11:11:11', '1 2012-04-13T11:11:11Z', '1 -', '1 2012-04-13T11:11:11.999', '2014-10-03T17:20:01.123456-07:00', '1 2012-04-13T11:11:11.5Z', '9 2012-13-41T25:61:61Z'];

const multiportLines = [
  "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed for lonvick",
  '<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - it is time',
  '<13>2003-08-24T05:14:15Z localhost snarf?',
  '<13>2012-08-16T14:34:03-08:00 127.0.0.1 test shnap!',
];

export const syslogCases: readonly CompatCase[] = [
  { name: 'ST-01 ST-02 ST-03 ST-04 ST-06 ST-07 times of syslog records', chain: syslog(), run: (site) => through(site, times.map((time) => `<10>${time} ${H} some msg\n`).join('')) },
  { name: 'ST-05 ST-27 ST-28 hosts and bodies that are missing', chain: syslog({ keepFields: 'hostname' }), run: (site) => through(site, '<10>1 2012-04-13T11:11:11Z - some msg\n<13>1 - h \n<13>1 - h x y\n') },
  { name: 'ST-11 ST-12 ST-13 ST-14 invalid syslog records', chain: syslog(), run: (site) => through(site, '<10F> bad bad data\nhi guys! <10> bad bad data\n<> bad bad data\n<123123123123> bad\n<1234>x\n<1\nabc\n') },
  { name: 'ST-15 ST-29 syslog records that fit no pattern, and blank lines', chain: syslog(), run: (site) => through(site, '\n\n<10>Good good good data\n<0>a\n<999>b\n') },
  { name: 'ST-17 ST-31 syslog records that are too long', chain: syslog({ eventSize: '21' }), run: (site) => through(site, `<10>${'a'.repeat(36)}\n<10>abcdefghijklmnopq\n<10>x\n`) },
  ...['none', 'hostname', 'timestamp hostname', 'priority version timestamp hostname', 'all', 'nothing'].map((keepFields): CompatCase => ({
    name: `ST-18 keepFields of syslog, ${keepFields}`,
    chain: syslog({ keepFields }),
    run: (site) => through(site, `<10>1 2012-04-13T11:11:11+08:00 ${H} some msg\n<10>2012-04-13T11:11:11Z ${H} other\n`),
  })),
  { name: 'ST-23 headers of the sender', chain: syslog({ clientIPHeader: 'ip', clientHostnameHeader: 'name' }), run: (site) => through(site, '<10>1 - h x\n') },
  {
    name: 'ST-24 CRLF of syslog',
    chain: syslog(),
    differs: { why: 'Flume finds no pattern that fits; Millrace leaves the CR out', millrace: { events: ['{Facility=1, Severity=2, host=h, priority=10, version=1} x', '{Facility=1, Severity=5, priority=13, version=1} END OF CASE'] } },
    run: (site) => through(site, '<10>1 - h x\r\n'),
  },
  {
    name: 'ST-25 priority and version of an earlier record',
    chain: syslog(),
    differs: { why: 'Flume gives them to the next record that has none', millrace: { events: ['{Facility=1, Severity=2, host=h, priority=10, version=1} x', '{Facility=0, Severity=0, flume.syslog.status=Invalid} not syslog', '{Facility=1, Severity=5, priority=13, version=1} END OF CASE'] } },
    run: (site) => through(site, '<10>1 - h x\nnot syslog\n'),
  },
  {
    name: 'SU-01 SU-02 datagrams of syslog',
    chain: syslog({}, 'syslogudp'),
    differs: {
      why: 'Flume gives the priority and version of an earlier datagram to one that has none',
      millrace: {
        events: [
          `{Facility=1, Severity=2, host=${H}, priority=10, timestamp=1334286671000, version=1} some msg`,
          `{Facility=0, Severity=0, flume.syslog.status=Invalid} ${'x'.repeat(1000)}`,
          '{Facility=1, Severity=2, host=h, priority=10, timestamp=1334315471000} with a feed',
          '{Facility=1, Severity=5, priority=13, version=1} END OF CASE',
        ],
      },
    },
    run: (site) => datagrams(site, [`<10>1 2012-04-13T11:11:11+08:00 ${H} some msg`, 'x'.repeat(1000), '<10>2012-04-13T11:11:11Z h with a feed\n']),
  },
  { name: 'SU-07 two lines in a datagram of syslog', chain: syslog({ keepFields: 'all' }, 'syslogudp'), run: (site) => datagrams(site, ['<10>1 - h first\n<10>1 - h second\n']) },
  {
    name: 'MS-10 MS-12 MS-20 MS-21 MS-25 records of multiport_syslogtcp',
    chain: syslog({}, 'multiport_syslogtcp'),
    run: (site) => through(site, [...multiportLines, 'plain', '<abc>x', '<13>', '<+5>2012-04-13T11:11:11Z h plus', '<13>2012-04-13T11:11:11Zx h letter', '<13>Abc 99 22:14:15 h x', '<12345>2012-04-13T11:11:11Z h p5'].map((line) => `${line}\n`).join(''), END_OF_2012),
  },
  ...['none', 'hostname', 'priority version timestamp hostname', 'all'].map((keepFields): CompatCase => ({
    name: `MS-13 MS-14 MS-26 keepFields of multiport_syslogtcp, ${keepFields}`,
    chain: syslog({ keepFields }, 'multiport_syslogtcp'),
    run: (site) => through(site, multiportLines.map((line) => `${line}\n`).join(''), END_OF_2012),
  })),
  { name: 'MS-04 MS-07 a character set', chain: syslog({ 'charset.default': 'ISO-8859-1' }, 'multiport_syslogtcp'), run: (site) => through(site, Buffer.from('<13>2012-04-13T11:11:11Z h ¿Cómo estás?\n', 'latin1'), END_OF_2012) },
  { name: 'MS-05 bytes that are no UTF-8', chain: syslog({}, 'multiport_syslogtcp'), run: (site) => through(site, Buffer.from('<13>2012-04-13T11:11:11Z h ¿Cómo estás?\n', 'latin1'), END_OF_2012) },
  { name: 'MS-09 MS-17 MS-18 MS-19 odd bodies of multiport_syslogtcp, and its sender', chain: syslog({ clientIPHeader: 'ip', clientHostnameHeader: 'name' }, 'multiport_syslogtcp'), run: (site) => through(site, '<13>2012-04-13T11:11:11Z h crlf\r\n<13>2012-04-13T11:11:11Z hostonly\n<13>2012-04-13T11:11:11Z h \n', END_OF_2012) },
  { name: 'MS-16 lines of multiport_syslogtcp that are too long', chain: syslog({ eventSize: '60' }, 'multiport_syslogtcp'), run: (site) => through(site, `<13>2012-04-13T11:11:11Z h ${'x'.repeat(32)}\n<13>2012-04-13T11:11:11Z h ${'x'.repeat(55)}\n`, END_OF_2012) },
];
