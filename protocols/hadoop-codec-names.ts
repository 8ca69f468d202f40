const WRITABLE = ['DefaultCodec', 'DeflateCodec', 'GzipCodec', 'Lz4Codec', 'SnappyCodec', 'ZStandardCodec'] as const;

/** A codec that Millrace writes, by its simple class name. */
export type WritableCodec = (typeof WRITABLE)[number];

export const CODEC_PACKAGE = 'org.apache.hadoop.io.compress.';

/** Hadoop's own codecs by simple class name; those for lzo are in a package of their own. */
const CODEC_CLASSES = ['BZip2Codec', ...WRITABLE] as const;

/** As people write them. */
export const CODEC_NAMES = ['none', ...CODEC_CLASSES.map(shortName)];
export const WRITABLE_CODEC_NAMES = WRITABLE.map(shortName);

/**
 * The simple class name that a configuration means: the class, its simple name in any case, or the simple name without `Codec` in any
 * case. `none` for no compression; `undefined` for a name that Hadoop does not know.
 */
export function codecClassOf(name: string): (typeof CODEC_CLASSES)[number] | 'none' | undefined {
  if (name.startsWith(CODEC_PACKAGE)) return CODEC_CLASSES.find((simple) => simple === name.slice(CODEC_PACKAGE.length));
  const text = name.toLowerCase();
  if (text === 'none') return 'none';
  return CODEC_CLASSES.find((simple) => [simple, simple.replace('Codec', '')].some((known) => known.toLowerCase() === text));
}

export function isWritableCodec(simpleName: string): simpleName is WritableCodec {
  return (WRITABLE as readonly string[]).includes(simpleName);
}

function shortName(simpleName: string): string {
  return simpleName.replace('Codec', '').toLowerCase();
}
