/** `_bulk` requests one after another with undici, and nothing else: URL INDEX DOCUMENTS PER_REQUEST LINE_BYTES. Prints its figures. */
import { request } from 'undici';
import { figuresOf } from '../process-figures.ts';

const [url = '', index = '', total = '0', perRequest = '0', lineBytes = '0'] = process.argv.slice(2);
const line = 'x'.repeat(Number(lineBytes));
const before = figuresOf(process.pid);
const began = performance.now();
for (let from = 0; from < Number(total); from += Number(perRequest)) {
  let body = '';
  for (let number = from; number < Math.min(from + Number(perRequest), Number(total)); number++) {
    body += `{"index":{"_index":"${index}","_id":"0123456789abcdef-${number}"}}\n${JSON.stringify({ '@message': line, '@fields': {} })}\n`;
  }
  const answer = await request(`${url}/_bulk?filter_path=items.*.status,items.*.error,items.*._id`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body });
  const text = await answer.body.text();
  const { items } = JSON.parse(text) as { items?: { index: { status: number } }[] };
  if (!items || items.some((item) => item.index.status > 201)) throw new Error(`${answer.statusCode} ${text.slice(0, 500)}`);
}
const seconds = (performance.now() - began) / 1000;
const after = figuresOf(process.pid);
console.log(JSON.stringify({ seconds, cpuSeconds: after.cpuSeconds - before.cpuSeconds, peakMb: after.peakMb }));
