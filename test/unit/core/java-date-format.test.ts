import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileSimpleDateFormat, DatePatternError, TimeZone } from '../../../core/java-date-format.ts';
import { compileJodaParser, DateParseError } from '../../../core/joda-format.ts';

const utc = TimeZone.utc;
const newYork = TimeZone.of('America/New_York');
const joda = (pattern: string, text: string, zone = utc): number => compileJodaParser(pattern, zone).parse(text);

void test('C7.16 C7.13 a Joda pattern reads a time', () => {
  assert.equal(joda('yyyy-MM-dd HH:mm', '2012-10-17 14:34'), 1350484440000);
  assert.equal(joda('yyyy-MM-dd HH:mm', '2012-10-18 18:47', TimeZone.of('GMT-7')), 1350611220000);
});

void test('C7.14 illegal patterns are refused, and a formatted time comes back', () => {
  assert.throws(() => compileJodaParser('ABCDEFG', utc), DatePatternError);
  assert.throws(() => compileJodaParser('', utc), DatePatternError);
  const pattern = "yyyy-MM-dd'T'HH:mm:ss.SSSZ";
  const instant = 1350484440123;
  assert.equal(joda(pattern, compileSimpleDateFormat(pattern, newYork).format(instant)), instant);
});

void test('Joda letters', () => {
  const day = Date.UTC(2012, 9, 17);
  assert.equal(joda('dd/MMM/yyyy:HH:mm:ss Z', '17/Oct/2012:14:34:00 +0200'), day + 45_240_000);
  assert.equal(joda('EEE, d MMMM yy h:mm a', 'wednesday, 17 OCTOBER 12 2:34 pm'), day + 52_440_000);
  assert.equal(joda('yyyyMMddHHmmss', '20121017143400'), day + 52_440_000);
  assert.equal(joda('yyyy-DDD', '2012-291'), day);
  assert.equal(joda("xxxx-'W'ww-e", '2012-W42-3'), day);
  assert.equal(joda('yyyy-MM-dd kk:mm', '2012-10-17 24:05'), day + 300_000);
  assert.equal(joda('yyyy-MM-dd HH:mm:ss,SSS', '2012-10-17 00:00:01,05'), day + 1050);
  assert.equal(joda('yyyy-MM-dd ZZZ', '2012-10-17 America/New_York'), day + 14_400_000);
  assert.equal(joda('yyyy-MM-dd z', '2012-10-17 PST'), day + 25_200_000);
  assert.equal(joda('HH:mm', '01:00'), 3_600_000);
  assert.equal(joda('MM-dd', '02-29'), Date.UTC(2000, 1, 29));
  assert.equal(joda("yyyy 'o''clock'", "2012 o'clock"), Date.UTC(2012, 0, 1));
});

void test('Joda refuses what does not fit', () => {
  for (const [pattern, text] of [
    ['yyyy-MM-dd', '2012-13-01'],
    ['yyyy-MM-dd', '2011-02-29'],
    ['yyyy-MM-dd', '2012-10-17x'],
    ['yyyy-MM-dd', ' 2012-10-17'],
    ['HH:mm', '24:00'],
    ['hh a', '13 PM'],
    ['MMM', 'Okt'],
    ['yyyy', ''],
  ] as const) {
    assert.throws(() => joda(pattern, text), DateParseError, `${pattern} ${text}`);
  }
});

void test('times around a change of the clock', () => {
  const parser = compileJodaParser('yyyy-MM-dd HH:mm', newYork);
  assert.throws(() => parser.parse('2012-03-11 02:30'), DateParseError);
  assert.equal(parser.parse('2012-03-11 03:00'), Date.UTC(2012, 2, 11, 7));
  assert.equal(parser.parse('2012-11-04 01:30'), Date.UTC(2012, 10, 4, 5, 30));
  assert.equal(parser.parse('2012-11-04 02:00'), Date.UTC(2012, 10, 4, 7));
});

void test('SimpleDateFormat patterns', () => {
  const format = (pattern: string, instant = 1340459193234, zone = utc): string => compileSimpleDateFormat(pattern, zone).format(instant);
  assert.equal(format('yyyyMMddHHmmssSSS'), '20120623134633234');
  assert.equal(format("yyyy-MM-dd'T'HH:mm:ssZ", undefined, newYork), '2012-06-23T09:46:33-0400');
  assert.equal(format('EEE, MMM d yy h:mm a'), 'Sat, Jun 23 12 1:46 PM');
  assert.equal(format("EEEE MMMM 'o''clock' K k D F u w W YYYY"), "Saturday June o'clock 1 13 175 4 6 25 4 2012");
  assert.equal(format('X XX XXX', undefined, newYork), '-04 -0400 -04:00');
  assert.equal(format('XXX'), 'Z');
  assert.throws(() => compileSimpleDateFormat('bogus'), DatePatternError);
  assert.throws(() => compileSimpleDateFormat("yyyy'x"), DatePatternError);
});
