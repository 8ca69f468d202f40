/**
 * What the parts between a source and a sink cost, per batch and per event, beside the plain loop that does the same. Run it by itself:
 * `node test/bench/micro/parts.ts [part of a name]`. Each figure is the best of several rounds.
 */
import { Batch } from '../../../core/batch.ts';
import { LineScanner } from '../../../core/line-scanner.ts';
import { enableLinearRegexes } from '../../../core/regex-guard.ts';
import type { Interceptor, Serializer } from '../../../core/component.ts';
import { loadBalancingSelector } from '../../../channels/selectors/load-balancing.ts';
import { multiplexingSelector } from '../../../channels/selectors/multiplexing.ts';
import { replicatingSelector } from '../../../channels/selectors/replicating.ts';
import { regexExtractorInterceptor } from '../../../interceptors/regex-extractor.ts';
import { regexFilterInterceptor } from '../../../interceptors/regex-filter.ts';
import { hostInterceptor } from '../../../interceptors/host.ts';
import { searchReplaceInterceptor } from '../../../interceptors/search-replace.ts';
import { staticInterceptor } from '../../../interceptors/static.ts';
import { timestampInterceptor } from '../../../interceptors/timestamp.ts';
import { uuidInterceptor } from '../../../interceptors/uuid.ts';
import { compressSnappy } from '../../../protocols/snappy.ts';
import { avroEventSerializer } from '../../../serializers/avro-event.ts';
import { headerAndTextSerializer } from '../../../serializers/header-and-text.ts';
import { textSerializer } from '../../../serializers/text.ts';
import { make, recordingContext } from '../../unit/recording-context.ts';

const EVENTS = 1000;
const ROUNDS = 15;
const ROUND_MS = 40;

enableLinearRegexes();

const line = (index: number): string => {
  const level = ['INFO', 'WARN', 'DEBUG', 'ERROR'][index % 4] as string;
  return `2026-11-21 14:${String(index % 60).padStart(2, '0')} ${level} request ${index} of user${index % 97}@example.org took ${index % 1000} ms, all fine`
    .padEnd(99, '.')
    .slice(0, 99);
};
const chunk = Buffer.from(Array.from({ length: EVENTS }, (_, index) => `${line(index)}\n`).join(''));
const scanner = new LineScanner();
const lines = Batch.over(chunk, scanner.scan(chunk, 0).slice(), EVENTS);
/** As the memory channel lends what came in several chunks. */
const joined = Batch.concat([lines.slice(0, 500), lines.slice(500, EVENTS)]);
const regions = ['eu', 'us', 'asia', 'none'];
const tagged = lines.withHeaders(Array.from({ length: EVENTS }, (_, index) => new Map([['region', regions[index % 4] as string]])));
const shared = lines.withHeader('region', 'eu', false);
const threeShared = lines.withHeader('timestamp', '1763735208000', false).withHeader('host', 'h1', false).withHeader('key', 'value', false);
const threeOwn = lines.withHeaders(
  Array.from({ length: EVENTS }, (_, index) => new Map([['timestamp', String(1_763_735_208_000 + index)], ['host', 'h1'], ['key', 'value']])),
);
const channels = ['c1', 'c2', 'c3', 'c4'];
const selectorContext = { ...recordingContext(), channels };
const never = (): never => {
  throw new Error('rejected');
};

function report(name: string, run: () => unknown): void {
  const wanted = process.argv[2];
  if (wanted !== undefined && !name.includes(wanted)) return;
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    let calls = 0;
    while (performance.now() - start < ROUND_MS) {
      for (let repeat = 0; repeat < 4; repeat++) run();
      calls += 4;
    }
    best = Math.min(best, (performance.now() - start) / calls);
  }
  const micros = best * 1000;
  console.log(`${name.padEnd(58)} ${micros.toFixed(1).padStart(8)} µs per batch of ${EVENTS.toLocaleString('en')}`);
}

async function interceptors(): Promise<void> {
  const create = (definition: typeof timestampInterceptor | typeof hostInterceptor | typeof staticInterceptor): Promise<Interceptor> =>
    make(definition as typeof timestampInterceptor, {}, recordingContext());
  const three = await Promise.all([timestampInterceptor, hostInterceptor, staticInterceptor].map(create));
  report('timestamp + host + static', () => three.reduce((batch, interceptor) => interceptor.intercept(batch), lines));
  report('  plain: a Map of three headers per event', () => {
    const maps: Map<string, string>[] = [];
    for (let index = 0; index < EVENTS; index++) {
      maps.push(new Map([['timestamp', String(Date.now())], ['host', 'h1'], ['key', 'value']]));
    }
    return maps;
  });
  const uuid = await make(uuidInterceptor, {}, recordingContext());
  report('uuid', () => uuid.intercept(lines));
  const filter = await make(regexFilterInterceptor, { regex: 'ERROR|WARN' }, recordingContext());
  report('regex_filter ERROR|WARN, half stays', () => filter.intercept(lines));
  const anchored = await make(regexFilterInterceptor, { regex: '^\\S+ \\S+ DEBUG', excludeEvents: 'true' }, recordingContext());
  report('regex_filter ^\\S+ \\S+ DEBUG, three quarters stay', () => anchored.intercept(lines));
  const plainRegex = /ERROR|WARN/;
  report('  plain: toString and test for each body', () => {
    let kept = 0;
    for (let index = 0; index < EVENTS; index++) if (plainRegex.test(lines.body(index).toString())) kept++;
    return kept;
  });
  const extractor = await make(
    regexExtractorInterceptor,
    { regex: '^(\\S+ \\S+) (\\S+)', serializers: 't l', 'serializers.t.name': 'time', 'serializers.l.name': 'level' },
    recordingContext(),
  );
  report('regex_extractor, two groups', () => extractor.intercept(lines));
  const replace = await make(searchReplaceInterceptor, { searchPattern: '\\w+@\\w+\\.org', replaceString: 'X' }, recordingContext());
  report('search_replace, one match per body', () => replace.intercept(lines));
  const idle = await make(searchReplaceInterceptor, { searchPattern: 'password=\\S+', replaceString: 'X' }, recordingContext());
  report('search_replace, no match', () => idle.intercept(lines));
}

async function selectors(): Promise<void> {
  const replicating = await make(replicatingSelector, {}, selectorContext);
  report('replicating to four', () => replicating.route(lines));
  const mapping = { header: 'region', 'mapping.eu': 'c1', 'mapping.us': 'c2', 'mapping.asia': 'c3', default: 'c4' };
  const multiplexing = await make(multiplexingSelector, mapping, selectorContext);
  report('multiplexing, shared header', () => multiplexing.route(shared));
  report('multiplexing, own headers, four ways', () => multiplexing.route(tagged));
  const balancing = await make(loadBalancingSelector, {}, selectorContext);
  report('load_balancing over four', () => balancing.route(lines));
}

async function serializers(): Promise<void> {
  const text = await make(textSerializer, {}, recordingContext());
  report('TEXT, lines in their chunk', () => text.encode(lines, never));
  report('TEXT, every other line', () => text.encode(everyOther, never));
  report('TEXT, joined by the memory channel', () => text.encode(joined, never));
  const buffer = Buffer.allocUnsafeSlow(EVENTS * 200);
  report('  plain: copy each body and a line feed', () => {
    let at = 0;
    for (let index = 0; index < EVENTS; index++) {
      at += lines.bytes.copy(buffer, at, lines.bounds[2 * index], lines.bounds[2 * index + 1]);
      buffer[at++] = 10;
    }
    return at;
  });
  const headers = await make(headerAndTextSerializer, {}, recordingContext());
  report('HEADER_AND_TEXT, three shared headers', () => headers.encode(threeShared, never));
  report('HEADER_AND_TEXT, three own headers', () => headers.encode(threeOwn, never));
  const avro: Serializer = await make(avroEventSerializer, {}, recordingContext());
  report('AVRO_EVENT, no codec, three shared headers', () => avro.encode(threeShared, never));
  report('AVRO_EVENT, no codec, three own headers', () => avro.encode(threeOwn, never));
  report('snappy, 100 kB of lines', () => compressSnappy(chunk));
  report('Batch.concat of two halves', () => Batch.concat([lines.slice(0, 500), lines.slice(500, EVENTS)]));
}

const everyOther = lines.select(Uint32Array.from({ length: EVENTS / 2 }, (_, index) => 2 * index));
await interceptors();
await selectors();
await serializers();
