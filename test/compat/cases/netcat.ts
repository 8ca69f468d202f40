/** netcat and netcatudp: what is an event, and what is answered. */

import type { CompatCase, Chain, Observation } from '../side-by-side.ts';
import type { Site } from '../site.ts';

const last = 'END OF CASE\n';

/** A netcat source in front of a file that shows headers. */
function netcat(options: Readonly<Record<string, string>> = {}): Chain {
  return { r1: { type: 'netcat', bind: '127.0.0.1', port: '@PORT@', ...options }, c1: { capacity: '10000', transactionCapacity: '1000' }, k1: {} };
}

/** The replies to the pieces, and the events up to the mark sent over a connection of its own. */
async function exchange(site: Site, pieces: readonly (string | Buffer)[], replies: number, mark: string | Buffer = last): Promise<Observation> {
  const answer = await site.talk(pieces, (text) => text.split('\n').length > replies);
  await site.talk([mark], () => true);
  return { ...answer, events: await site.written((text) => text.includes(last)) };
}

const tooLong = (limit: number) => `FAILED: Event exceeds the maximum length (${limit} chars, including newline)\n`;
/** Text as files are shown: each byte of its UTF-8 a character. */
const latin = (text: string) => Buffer.from(text).toString('latin1');

const probe = 'PROBE\n';

/** As `exchange`, and whether the connection goes on afterwards: a last line is taken, or the agent has closed. */
async function survives(site: Site, pieces: readonly (string | Buffer)[], replies: number): Promise<Observation> {
  const enough = (text: string) => text.split('\n').length > replies;
  const taken = async () => (await site.written(() => true)).includes(probe);
  const answer = await site.talk(pieces, enough, { piece: probe, taken });
  await site.talk([last], () => true);
  return { ...answer, events: await site.written((text) => text.includes(last)) };
}

const goesOn = 'the connection goes on after a line that is refused: what follows is not lost';

function encoded(text: string, encoding: string): Buffer {
  const swapped = (buffer: Buffer) => Buffer.from(buffer).swap16();
  return encoding === 'UTF-16BE' ? swapped(Buffer.from(text, 'utf16le')) : Buffer.from(text, encoding === 'UTF-16LE' ? 'utf16le' : 'latin1');
}

const words = ['plain words', 'd\u00e9j\u00e0 vu', '\u00fcber', '', 'na\u00efve caf\u00e9', 'tab\there'];
const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}\n`).join('');

export const netcatCases: readonly CompatCase[] = [
  { name: 'NC-01 a line is an event and is acknowledged', chain: netcat(), run: (site) => exchange(site, ['Test message\n'], 1) },
  { name: 'NC-02 ack-every-event=false answers nothing', chain: netcat({ 'ack-every-event': 'false' }), run: (site) => exchange(site, ['Test message\n'], 0) },
  { name: 'NC-05 one OK per line', chain: netcat(), run: (site) => exchange(site, [lines(40)], 40) },
  { name: 'NC-05 one OK per line, thousands in one piece', chain: netcat(), run: (site) => exchange(site, [lines(3000)], 3000) },
  { name: 'NC-09 CR stays, an empty line is an event, an unterminated rest is not', chain: netcat(), run: (site) => exchange(site, ['abc\r\ndef\n\nghi'], 3) },
  {
    name: 'NC-10 bytes that are not UTF-8 close the connection',
    chain: netcat(),
    run: (site) => survives(site, [Buffer.from([0x61, 0xff, 0x62, 0x0a, 0x63, 0x0a])], 2),
    differs: { why: goesOn, millrace: { replies: 'FAILED: line is not UTF-8 text\nOK\nOK\n', closed: false, events: '{} c\n{} PROBE\n{} END OF CASE\n' } },
  },
  { name: 'NC-07 a line too long is refused and ends the connection', chain: netcat({ 'max-line-length': '12' }), run: (site) => survives(site, ['123456789\n', `${'x'.repeat(200)}\n`], 2), differs: { why: goesOn, millrace: { replies: `OK\n${tooLong(12)}OK\n`, closed: false, events: '{} 123456789\n{} PROBE\n{} END OF CASE\n' } } },
  { name: 'NC-06 a line too long is refused without acknowledgements as well', chain: netcat({ 'max-line-length': '20', 'ack-every-event': 'false' }), run: (site) => survives(site, ['123456789\n', `${'x'.repeat(200)}\n`], 1), differs: { why: goesOn, millrace: { replies: tooLong(20), closed: false, events: '{} 123456789\n{} PROBE\n{} END OF CASE\n' } } },
  { name: 'NC-11 the newline counts in max-line-length', chain: netcat({ 'max-line-length': '12' }), run: (site) => survives(site, ['123456789012\n'], 1), differs: { why: goesOn, millrace: { replies: `${tooLong(12)}OK\n`, closed: false, events: '{} PROBE\n{} END OF CASE\n' } } },
  { name: 'NC-11 a line of max-line-length with its newline passes', chain: netcat({ 'max-line-length': '12' }), run: (site) => exchange(site, ['12345678901\n', '1234\n'], 2) },
  { name: 'NC-11 max-line-length counts UTF-16 units', chain: netcat({ 'max-line-length': '12' }), run: (site) => survives(site, ['\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}a\n', '\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}ab\n'], 2), differs: { why: goesOn, millrace: { replies: `OK\n${tooLong(12)}OK\n`, closed: false, events: `{} ${latin('\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}a')}\n{} PROBE\n{} END OF CASE\n` } } },
  { name: 'netcat keeps NUL, TAB and control characters', chain: netcat(), run: (site) => exchange(site, ['a\u0000b\tc\u0001\u007f\n', '\u0000\n', ' \n'], 3) },
  { name: 'netcat keeps characters outside the basic plane', chain: netcat(), run: (site) => exchange(site, ['\u{1f600} \u65e5\u672c\u8a9e \u00e9\n', '\ufeffbom\n'], 2) },
  { name: 'netcat joins what arrives in pieces', chain: netcat(), run: (site) => exchange(site, ['on', 'e l', 'ine', '\n', Buffer.from([0xe2, 0x82]), Buffer.from([0xac, 0x0a])], 2) },
  ...['UTF-16BE', 'UTF-16LE', 'ISO-8859-1'].map((encoding): CompatCase => ({
    name: `NC-03 NC-04 encoding ${encoding}: bodies become UTF-8, answers are in the encoding`,
    chain: netcat({ encoding }),
    run: (site) => exchange(site, [encoded(words.map((word) => `${word}\n`).join(''), encoding)], words.length, encoded(last, encoding)),
  })),
  {
    name: 'NC-03 encoding UTF-16: the first answer begins with a byte order mark',
    chain: netcat({ encoding: 'UTF-16' }),
    run: (site) => exchange(site, [Buffer.concat([Buffer.from([0xfe, 0xff]), encoded('one\ntwo\n', 'UTF-16BE')])], 2, encoded(last, 'UTF-16BE')),
  },
  { name: 'NC-04 encoding US-ASCII: bytes above 127 close the connection', chain: netcat({ encoding: 'US-ASCII' }), run: (site) => survives(site, [Buffer.from('plain\n\u00e9\n', 'latin1')], 2), differs: { why: 'the refusal is answered before the connection is closed', millrace: { replies: 'FAILED: line is not US-ASCII text; connection closed\n' } } },
  { name: 'NC-04 encoding Shift_JIS', chain: netcat({ encoding: 'Shift_JIS' }), run: (site) => exchange(site, [Buffer.from([0x93, 0xfa, 0x96, 0x7b, 0x0a, 0xb1, 0x0a])], 2) },
  {
    name: 'NC-12 a full channel is answered with FAILED and the connection stays open',
    chain: { r1: { type: 'netcat', bind: '127.0.0.1', port: '@PORT@' }, c1: { capacity: '2', transactionCapacity: '2', 'keep-alive': '0' } },
    run: async (site) => ({ ...(await site.talk(['1\n2\n3\n4\n'], (text) => text.split('\n').length > 4)) }),
  },
  {
    name: 'NC-12 a full channel is answered with FAILED without acknowledgements as well',
    chain: { r1: { type: 'netcat', bind: '127.0.0.1', port: '@PORT@', 'ack-every-event': 'false' }, c1: { capacity: '2', transactionCapacity: '2', 'keep-alive': '0' } },
    run: async (site) => {
      const since = Date.now();
      return { ...(await site.talk(['1\n2\n3\n4\n'], (text) => text.split('\n').length > 2 || Date.now() - since > 3000)) };
    },
    differs: { why: 'nobody reads the answers, so the source waits until there is room', millrace: { replies: '' } },
  },
];

function netcatUdp(options: Readonly<Record<string, string>> = {}): Chain {
  return { r1: { type: 'netcatudp', bind: '127.0.0.1', port: '@PORT@', remoteAddress: 'ra', ...options }, c1: {}, k1: {} };
}

async function received(site: Site, pieces: readonly (string | Buffer)[]): Promise<Observation> {
  const from = await site.datagrams([...pieces, last]);
  const events = await site.written((text) => text.includes(last));
  return { events: events.replaceAll(`:${from}`, ':<port>') };
}

export const netcatUdpCases: readonly CompatCase[] = [
  { name: 'NU-01 NU-07 a datagram is an event with the sender in a header', chain: netcatUdp(), run: (site) => received(site, Array.from({ length: 10 }, () => 'Lorem ipsum dolor sit amet.')) },
  { name: 'NU-03 datagrams of 1000 bytes', chain: netcatUdp(), run: (site) => received(site, Array.from({ length: 10 }, () => 'x'.repeat(1000))) },
  { name: 'NU-04 a datagram is cut at 2048 bytes', chain: netcatUdp(), run: (site) => received(site, ['y'.repeat(2048), 'x'.repeat(3000)]), differs: { why: 'a datagram is not cut', millrace: { events: `{ra=/127.0.0.1:<port>} ${'y'.repeat(2048)}\n{ra=/127.0.0.1:<port>} ${'x'.repeat(3000)}\n{ra=/127.0.0.1:<port>} END OF CASE\n` } } },
  { name: 'NU-05 what follows the first LF is dropped', chain: netcatUdp(), run: (site) => received(site, ['l1\nl2\n', '\n', '\nx', 'hello\r\nzz']) },
  { name: 'NU-06 an empty datagram is an empty event', chain: netcatUdp(), run: (site) => received(site, ['', 'after']) },
  { name: 'netcatudp passes bytes through untouched', chain: netcatUdp(), run: (site) => received(site, [Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x80])]) },
];
