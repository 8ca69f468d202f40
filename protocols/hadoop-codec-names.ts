export const CODEC_PACKAGE = 'org.apache.hadoop.io.compress.';

/** Hadoop's own codecs by simple class name; those for lzo are in a package of their own. */
const CODEC_CLASSES = ['BZip2Codec', 'DefaultCodec', 'DeflateCodec', 'GzipCodec', 'Lz4Codec', 'SnappyCodec', 'ZStandardCodec'] as const;

export type CodecClass = (typeof CODEC_CLASSES)[number];

/** As people write them. */
export const CODEC_NAMES = ['none', ...CODEC_CLASSES.map(shortName)];

/**
 * The simple class name that a configuration means: the class, its simple name in any case, or the simple name without `Codec` in any
 * case. `none` for no compression; `undefined` for a name that Hadoop does not know.
 */
export function codecClassOf(name: string): CodecClass | 'none' | undefined {
  if (name.startsWith(CODEC_PACKAGE)) return CODEC_CLASSES.find((simple) => simple === name.slice(CODEC_PACKAGE.length));
  const text = name.toLowerCase();
  if (text === 'none') return 'none';
  return CODEC_CLASSES.find((simple) => [simple, simple.replace('Codec', '')].some((known) => known.toLowerCase() === text));
}

function shortName(simpleName: string): string {
  return simpleName.replace('Codec', '').toLowerCase();
}
