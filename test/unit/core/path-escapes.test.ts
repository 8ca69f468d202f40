import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeZone } from '../../../core/java-date-format.ts';
import { compileEscapes, EscapeError } from '../../../core/path-escapes.ts';
import type { EscapeOptions } from '../../../core/path-escapes.ts';
import { confinePathValue } from '../../../core/path-confinement.ts';

const base = 1340459193234; // 2012-06-23 13:46:33.234 UTC
const utc = TimeZone.utc;
const kolkata = TimeZone.of('Asia/Kolkata');
const expand = (template: string, headers: Record<string, string> = { timestamp: String(base) }, options: EscapeOptions = {}): string =>
  compileEscapes(template, { zone: utc, ...options }).expand((name) => (Object.hasOwn(headers, name) ? headers[name] : undefined));
const at = (instant: number): Record<string, string> => ({ timestamp: String(instant) });

void test('C9.1 ESC-01 ESC-02 the full date, as it is and rounded to 12 hours, in two zones', () => {
  assert.equal(expand('%c'), 'Sat Jun 23 13:46:33 2012');
  assert.equal(expand('%c', at(base), { round: { unit: 'hour', value: 12 } }), 'Sat Jun 23 12:00:00 2012');
  assert.equal(expand('%c', at(base), { round: { unit: 'hour', value: 12 }, zone: kolkata }), 'Sat Jun 23 12:00:00 2012');
});

void test('C9.2 ESC-03 ESC-04 seconds of a rounded time', () => {
  assert.equal(expand('%s', at(base), { round: { unit: 'minute', value: 5 } }), String(Date.UTC(2012, 5, 23, 13, 45) / 1000));
  assert.equal(expand('%s', at(base), { round: { unit: 'second', value: 5 } }), String(Date.UTC(2012, 5, 23, 13, 46, 30) / 1000));
});

void test('ESC-06 a zone one millisecond off rounds on its own clock', () => {
  const zone = TimeZone.fixed(1);
  const local = Date.UTC(2012, 5, 23, 13, 45) - 1;
  assert.equal(expand('%H:%M:%S', at(local), { zone }), '13:45:00');
  assert.equal(expand('%c', at(base - 1), { zone, round: { unit: 'hour', value: 12 } }), 'Sat Jun 23 12:00:00 2012');
  assert.equal(expand('%S', at(Date.UTC(2012, 0, 1, 0, 0, 7, 999)), { zone, round: { unit: 'second', value: 5 } }), '05');
});

void test('C9.3 ESC-07 one zone does not leak into another', () => {
  const inKolkata = compileEscapes('%H:%M', { zone: kolkata });
  assert.equal(expand('%H:%M'), '13:46');
  assert.equal(inKolkata.expand(() => String(base)), '19:16');
  assert.equal(expand('%H:%M'), '13:46');
});

void test('C9.4 ESC-05 months and days without padding', () => {
  assert.equal(expand('%n-%e', at(Date.UTC(2014, 4, 3))), '5-3');
  assert.equal(expand('%n-%e', at(Date.UTC(2014, 10, 13))), '11-13');
});

void test('C9.5 ESC-08 the clock is read once per text', () => {
  const readings = [Date.UTC(2014, 0, 1, 2, 59, 59), Date.UTC(2014, 0, 1, 3, 0, 0)];
  const now = (): number => readings.shift() ?? Number.NaN;
  assert.equal(expand('%H:%M', {}, { useLocalTimeStamp: true, now, round: { unit: 'minute', value: 10 } }), '02:50');
});

void test('C9.6 ESC-09 ESC-10 names of the host', () => {
  const hosts = { localhost: 'web1', ip: '10.0.0.1', fqdn: 'web1.example.org' };
  assert.equal(expand('%[localhost]/%[IP]/%[FQDN]', {}, { hosts }), 'web1/10.0.0.1/web1.example.org');
  assert.throws(() => expand('%[abcdefg]/x', {}, { hosts }), EscapeError);
});

void test('C9.7 rounding', () => {
  const time = at(Date.UTC(2012, 5, 23, 15, 12, 54));
  const round = (unit: 'second' | 'minute' | 'hour', value: number, zone = utc): string => expand('%H:%M:%S', time, { round: { unit, value }, zone });
  assert.equal(round('second', 60), '15:12:00');
  assert.equal(round('minute', 5), '15:10:00');
  assert.equal(round('hour', 2), '14:00:00');
  assert.equal(round('hour', 2, kolkata), '20:00:00');
  assert.equal(expand('%M', at(base), { round: { unit: 'minute', value: 7 } }), '42');
  assert.equal(round('second', 0), '15:12:54');
  assert.throws(() => round('hour', 25), EscapeError);
  assert.throws(() => round('minute', 61), EscapeError);
});

void test('C9.8 every letter', () => {
  assert.equal(
    expand('%a %A %b %B %d %e %j %k %l %m %n %p %s %t %y %z %D %H %I %M %S %Y'),
    'Sat Saturday Jun June 23 23 175 13 1 06 6 PM 1340459193 1340459193234 12 +0000 06/23/12 13 01 46 33 2012',
  );
});

void test('C9.9 midnight and small numbers', () => {
  assert.equal(expand('%I|%l|%k|%H|%p|%j|%e|%d|%n|%m', at(Date.UTC(2021, 0, 3, 0, 5, 6))), '12|12|0|00|AM|003|3|03|1|01');
});

void test('C9.10 rounding leaves the timestamp text alone', () => {
  const round = { unit: 'minute', value: 10 } as const;
  assert.equal(expand('%t %s %H:%M:%S', at(base), { round }), '1340459193234 1340458800 13:40:00');
});

void test('C9.11 ESC-11 headers, unknown letters, and what is no escape', () => {
  assert.equal(expand('%f'), '');
  assert.equal(expand('100%'), '100%');
  assert.equal(expand('%{a.b-c_d}', { 'a.b-c_d': 'X$1\\y' }), 'X$1\\y');
  assert.equal(expand('%{host}/%Y-%m-%d/%H', { host: 'web1', ...at(base) }), 'web1/2012-06-23/13');
  assert.equal(expand('%{my header}%{}%-d% d'), '%{my header}%{}%-d% d');
  assert.equal(expand('%{a}', { a: '%Y%{b}', b: 'no' }), '%Y%{b}');
  assert.equal(expand('%{missing}-x'), '-x');
});

void test('C9.12 ESC-12 missing and wrong timestamps', () => {
  assert.equal(expand('%{host}', { host: 'h' }), 'h');
  for (const template of ['%Y', '%%', '%Q']) assert.throws(() => expand(template, {}), EscapeError, template);
  for (const timestamp of ['abc', ' 1340459193234', '1340459193.234', '']) assert.throws(() => expand('%Y', { timestamp }), EscapeError, timestamp);
  assert.equal(expand('%Y', at(0)), '1970');
  assert.throws(() => expand('%Y', at(0), { round: { unit: 'second', value: 1 } }), EscapeError);
  assert.equal(expand('%s', at(-1)), '0');
  assert.equal(expand('%%'), '%');
});

void test('C9.13 zones', () => {
  assert.equal(expand('%c', at(base), { zone: kolkata, round: { unit: 'hour', value: 1 } }), 'Sat Jun 23 19:00:00 2012');
  assert.equal(expand('%z', at(base), { zone: TimeZone.of('America/New_York') }), '-0400');
  assert.equal(expand('%z', at(base), { zone: TimeZone.of('Bogus/Zone') }), '+0000');
});

void test('the hour that a change of the clock repeats keeps its two passes apart', () => {
  const zone = TimeZone.of('America/New_York');
  const round = { unit: 'minute', value: 10 } as const;
  const first = Date.UTC(2012, 10, 4, 5, 34);
  assert.equal(expand('%H:%M %z %s', at(first), { zone, round }), `01:30 -0400 ${(first - 240_000) / 1000}`);
  assert.equal(expand('%H:%M %z %s', at(first + 3_600_000), { zone, round }), `01:30 -0500 ${(first + 3_360_000) / 1000}`);
});

void test('X4 harmless values stay as they are', () => {
  for (const value of ['web1', 'a/b/c', 'Grüße', 'a b', 'x=1', '2012-06-23', 'a.b', '.hidden', 'a..b', '100%', '', '名前']) {
    assert.equal(confinePathValue(value), value);
  }
});

void test('X4 attacks stay below the prefix', () => {
  const escapes = compileEscapes('/data/logs/%{h}/part-%{h}', { zone: utc });
  assert.equal(escapes.fixedPrefix, '/data/logs/');
  const attacks = [
    '../../../etc/cron.d/x', '/etc/passwd', '..', '.', '...', 'a/../../b', '//x', 'x//y', 'x/', '\0', 'a\0b', '..%2f..%2fetc', '%2e%2e/x', '..\\..\\x', 'C:\\x',
    'a\nb', 'a\r', '\u2024\u2024/x', '\uff0e\uff0e/x', '\u2025/x', 'a\uff0fb', 'a\u2215..', 'x. ', ' .. /x', '.. ', '\u202e', '\ud800', 'x'.repeat(5000), 'é/'.repeat(2500), '%'.repeat(3000), '../'.repeat(2000),
  ];
  for (const value of attacks) {
    const path = escapes.expandConfined(() => value);
    const name = JSON.stringify(value.slice(0, 40));
    assert.ok(new URL(`file://x${encodeURI(path).replaceAll('%25', '%')}`).pathname.startsWith('/data/logs/'), `${name} gave ${path}`);
    const parts = path.slice('/data/logs/'.length).split('/');
    for (const part of parts) assert.ok(part !== '' && !/^[. ]+$|[. ]$/.test(part) && Buffer.byteLength(part) <= 255, `${name} gave the part ${part}`);
    assert.ok(!/[\p{Cc}\\\u2024-\u2026\uff0e\uff0f\u2215\u202e]/u.test(path) && path.isWellFormed(), `${name} gave ${path}`);
    assert.ok(Buffer.byteLength(path) < 2100, name);
  }
  assert.equal(confinePathValue('../x'), '%2E%2E~/x');
  assert.equal(confinePathValue('/etc'), '%2Fetc');
  assert.equal(confinePathValue('..%2fx'), '..%252fx');
});

void test('X4 pieces that meet are refused, long values stay distinct', () => {
  const lookup = (values: Record<string, string>) => (name: string) => values[name];
  assert.throws(() => compileEscapes('/d/.%{a}/x', { zone: utc }).expandConfined(lookup({ a: '' })), EscapeError);
  assert.throws(() => compileEscapes('%{a}/x', { zone: utc }).expandConfined(lookup({ a: '' })), EscapeError);
  assert.throws(() => compileEscapes('/d/%{a}%{b}', { zone: utc }).expandConfined(lookup({ a: 'x'.repeat(200), b: 'y'.repeat(200) })), EscapeError);
  assert.notEqual(confinePathValue(`${'x'.repeat(5000)}1`), confinePathValue(`${'x'.repeat(5000)}2`));
  const time = compileEscapes('/d/%t', { zone: utc }).expandConfined(lookup(at(base)));
  assert.equal(time, `/d/${base}`);
});
