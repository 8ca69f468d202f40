import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordScanner, syslogParts } from '../../../../protocols/syslog-records.ts';
import { keptFields, syslogEvents } from '../../../../sources/syslog/events.ts';

type Seen = readonly [Record<string, string>, string];

/** The events of a stream, as headers and body. */
function read(text: string | Buffer, { keep = 'none', size = 2500, last = false } = {}): Seen[] {
  const bytes = Buffer.from(text);
  const records = new RecordScanner(size).scan(bytes, last);
  return [...syslogEvents(bytes, records, keptFields(keep), [[]])].map(({ headers, body }) => [Object.fromEntries(headers), body.toString()]);
}

function one(text: string | Buffer, keep = 'none'): Seen {
  const [event, more] = read(text, { keep });
  assert.ok(event);
  assert.equal(more, undefined);
  return event;
}

const H = 'ubuntu-11.cloudera.com';
const local = (year: number, month: number, day: number, hour: number, minute: number, second: number, ms = 0): string => String(new Date(year, month, day, hour, minute, second, ms).getTime());
const good = { Facility: '1', Severity: '2', priority: '10' };

test('ST-01 ST-02 ST-03 ST-04 ST-06 times of RFC 5424', () => {
  const times: readonly (readonly [string, string])[] = [
    ['<10>2012-04-13T11:11:11+08:00', String(Date.UTC(2012, 3, 13, 3, 11, 11))],
    ['<10>1 2012-04-13T11:11:11', local(2012, 3, 13, 11, 11, 11)],
    ['<10>1 2012-04-13T11:11:11Z', String(Date.UTC(2012, 3, 13, 11, 11, 11))],
    ['<10>1 2012-04-13T11:11:11.999', local(2012, 3, 13, 11, 11, 11, 999)],
    ['<10>1 2012-04-13T11:11:11.5', local(2012, 3, 13, 11, 11, 11, 5)],
    ['<10>2012-13-41T11:11:11Z', String(Date.UTC(2013, 1, 10, 11, 11, 11))],
  ];
  for (const [head, timestamp] of times) {
    const version = head.startsWith('<10>1 ') ? { version: '1' } : {};
    assert.deepEqual(one(`${head} ${H} some msg\n`), [{ ...good, ...version, timestamp, host: H }, 'some msg'], head);
  }
  assert.deepEqual(one(`<10>1 - ${H} some msg\n`), [{ ...good, version: '1', host: H }, 'some msg']);
});

test('ST-05 a host that is not told', () => {
  for (const zone of ['', 'Z', '+08:00']) assert.equal(one(`<10>1 2012-04-13T11:11:11${zone} - some msg\n`)[0]['host'], undefined);
});

test('ST-07 with a fraction the zone has no effect', () => {
  assert.equal(one(`<10>2014-10-03T17:20:01.123456-07:00 ${H} some msg\n`)[0]['timestamp'], local(2014, 9, 3, 17, 20, 1, 123));
});

test('ST-08 ST-09 RFC 3164 is read in local time of this year', () => {
  const now = new Date();
  const month = now.toLocaleString('en', { month: 'short' });
  const stamp = `${month} ${String(now.getDate()).padStart(2, ' ')} ${now.toTimeString().slice(0, 8)}`;
  const body = '- hyphen_null_breaks_5424_pattern [07/Jun/2012:14:46:44 -0600]';
  const [headers, text] = one(`<10>${stamp} ${H} ${body}\n`);
  assert.equal(text, body);
  assert.deepEqual(headers, { ...good, timestamp: local(now.getFullYear(), now.getMonth(), now.getDate(), now.getHours(), now.getMinutes(), now.getSeconds()), host: H });
});

test('ST-10 the year is the one in which the date is near', () => {
  const names = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  for (let ahead = 0; ahead < 13; ahead++) {
    const now = new Date(2026, 0 + ahead, 15, 12, 0, 0);
    for (let days = -300; days <= 29; days += 7) {
      const date = new Date(now.getTime());
      date.setDate(date.getDate() + days);
      const month = new Date(now.getTime());
      month.setMonth(month.getMonth() + 1);
      if (date >= month) continue;
      const text = `<10>${names[date.getMonth()]} ${String(date.getDate()).padStart(2)} 12:00:00 h x`;
      assert.equal(syslogParts(text, now.getTime())?.timestampMs, date.getTime(), `${text} at ${now.toISOString()}`);
    }
  }
});

test('ST-11 ST-12 ST-13 ST-14 records without a priority are kept whole and marked', () => {
  for (const text of ['<10F> bad bad data', 'hi guys! <10> bad bad data', '<> bad bad data', '<123123123123123123123123123123> bad bad data']) {
    assert.deepEqual(one(`${text}\n`), [{ Facility: '0', Severity: '0', 'flume.syslog.status': 'Invalid' }, text]);
  }
});

test('ST-15 a record that fits no pattern keeps its priority in the body', () => {
  assert.deepEqual(one('<10>Good good good data\n'), [{ Facility: '1', Severity: '2' }, '<10>Good good good data']);
});

test('ST-16 N16 each record is judged on its own', () => {
  const bad = '<10F> bad bad data\n';
  assert.deepEqual(read(`${bad}<10>good\n${bad}${bad}<10>good\n<20>good\n`).map(([headers]) => [headers['Facility'], headers['Severity'], headers['flume.syslog.status']]), [
    ['0', '0', 'Invalid'], ['1', '2', undefined], ['0', '0', 'Invalid'], ['0', '0', 'Invalid'], ['1', '2', undefined], ['2', '4', undefined],
  ]);
  assert.deepEqual(read('<0>a\n<191>a\n<999>a\n').map(([headers]) => headers['Facility']), ['0', '23', '124']);
});

test('ST-17 ST-31 a record that is too long is cut and marked', () => {
  assert.deepEqual(read('<10> bad bad data bad bad\n', { size: 10 }).map(([headers, body]) => [body, headers['flume.syslog.status'], headers['Facility']]), [
    ['<10> bad b', 'Incomplete', '1'], ['ad data ba', 'Invalid', '0'], ['d bad', 'Invalid', '0'],
  ]);
  const texts = `<10>${'a'.repeat(36)}\n<10>abcdefghijklmnop\n<10>x\n`;
  assert.deepEqual(read(texts, { size: 20 }).map(([headers, body]) => [body.length, headers['flume.syslog.status']]), [[20, 'Incomplete'], [20, 'Invalid'], [20, 'Incomplete'], [5, undefined]]);
});

test('ST-18 ST-28 keepFields', () => {
  const text = `<10>1 2012-04-13T11:11:11+08:00 ${H} some msg`;
  const cases: readonly (readonly [string, string])[] = [
    ['none', 'some msg'], ['false', 'some msg'], ['nothing', 'some msg'], ['hostname', `${H} some msg`], ['timestamp hostname', `2012-04-13T11:11:11+08:00 ${H} some msg`],
    ['priority timestamp hostname', `<10>2012-04-13T11:11:11+08:00 ${H} some msg`], ['priority version timestamp hostname', text], ['all', text], ['TRUE', text],
  ];
  for (const [keep, body] of cases) assert.equal(one(`${text}\n`, keep)[1], body, keep);
  assert.equal(one('<13>1 2003-10-11T22:14:15Z - body\n', 'hostname')[1], 'null body');
});

test('ST-24 ST-25 the CR of a CRLF is no part of a record, and nothing of one record gets into the next', () => {
  assert.deepEqual(one('<13>Oct 11 22:14:15 h crlf msg\r\n')[1], 'crlf msg');
  const seen = read("<34>1 2003-10-11T22:14:15.003Z mymachine su - ID47 - 'su root'\nnot syslog\n<13>unparsed\n");
  assert.deepEqual(seen.map(([, body]) => body), ["su - ID47 - 'su root'", 'not syslog', '<13>unparsed']);
  assert.deepEqual(seen.slice(1).map(([headers]) => headers), [{ Facility: '0', Severity: '0', 'flume.syslog.status': 'Invalid' }, { Facility: '1', Severity: '5' }]);
});

test('ST-26 T18 bytes that are no UTF-8 stay as they are', () => {
  const bytes = Buffer.concat([Buffer.from('<13>Oct 11 22:14:15 h caf'), Buffer.from([0xe9, 0x0a])]);
  const records = new RecordScanner(2500).scan(bytes);
  assert.equal(syslogEvents(bytes, records, 'none', [[]]).body(0).toString('latin1'), 'caf\u00e9');
});

test('ST-27 ST-29 ST-30 an empty body, blank lines, a record without an end', () => {
  assert.equal(one('<13>1 - h \n')[1], '<13>1 - h ');
  assert.equal(one('<13>1 - h \n', 'hostname')[1], 'h ');
  assert.equal(one('\n\n<13>Oct 11 22:14:15 h after blank\n')[1], 'after blank');
  assert.deepEqual(read('<13>Oct 11 22:14:15 h no end'), []);
  assert.equal(read('<13>Oct 11 22:14:15 h no end', { last: true })[0]?.[1], 'no end');
});

test('records are the same however the stream is cut', () => {
  const text = `\n<10>1 - ${H} some msg\n<1\nabc\nplain\n<999>x\n<1234>y\n<10>${'z'.repeat(50)}\n`;
  const whole = read(text, { size: 40 });
  for (let size = 1; size < text.length; size++) {
    const scanner = new RecordScanner(40);
    const seen: Seen[] = [];
    let rest = Buffer.alloc(0);
    for (let at = 0; at < text.length; at += size) {
      const bytes = Buffer.concat([rest, Buffer.from(text.slice(at, at + size))]);
      const records = scanner.scan(bytes);
      for (const { headers, body } of syslogEvents(bytes, records, 'none', [[]])) seen.push([Object.fromEntries(headers), body.toString()]);
      rest = bytes.subarray(scanner.next);
    }
    assert.deepEqual(seen, whole, `pieces of ${size}`);
  }
});
