import { DatePatternError } from '../core/java-date-format.ts';
import { compileJodaParser } from '../core/joda-format.ts';

/** Turns the text of a group into the value of a header. Throws if the text does not fit. */
export type GroupSerializer = (text: string) => string;

export interface ExtractorSerializer {
  /** Properties it reads, besides `name` and `type`. */
  readonly keys: readonly string[];
  /** What stands in the way of creating it. The sentence completes "value … of pattern". */
  check(properties: ReadonlyMap<string, string>): { readonly key: string; readonly sentence: string } | undefined;
  create(properties: ReadonlyMap<string, string>): GroupSerializer;
}

const passThrough: ExtractorSerializer = {
  keys: [],
  check: () => undefined,
  create: () => (text) => text,
};

/** A time in the zone of the process as epoch milliseconds. */
const millis: ExtractorSerializer = {
  keys: ['pattern'],
  check(properties) {
    const pattern = properties.get('pattern');
    if (pattern === undefined) return { key: 'pattern', sentence: 'is required: the Joda-Time pattern of the time, for example yyyy-MM-dd HH:mm:ss' };
    try {
      compileJodaParser(pattern);
      return undefined;
    } catch (error) {
      if (error instanceof DatePatternError) return { key: 'pattern', sentence: `cannot be used: ${error.message}` };
      throw error;
    }
  },
  create(properties) {
    const parser = compileJodaParser(properties.get('pattern') ?? '');
    return (text) => String(parser.parse(text));
  },
};

/** The serializers of the regex_extractor interceptor by `type`, exactly as it is spelled. */
export const extractorSerializers: ReadonlyMap<string, ExtractorSerializer> = new Map([
  ['DEFAULT', passThrough],
  ['org.apache.flume.interceptor.RegexExtractorInterceptorPassThroughSerializer', passThrough],
  ['org.apache.flume.interceptor.RegexExtractorInterceptorMillisSerializer', millis],
]);
