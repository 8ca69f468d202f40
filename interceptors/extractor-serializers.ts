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

/** The serializers of the regex_extractor interceptor by `type`, exactly as it is spelled. */
export const extractorSerializers: ReadonlyMap<string, ExtractorSerializer> = new Map([
  ['DEFAULT', passThrough],
  ['org.apache.flume.interceptor.RegexExtractorInterceptorPassThroughSerializer', passThrough],
]);
