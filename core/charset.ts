/** Character sets that Java programs name, and how this program calls them. Names ignore case. */
const NAMES = new Map([
  ['utf8', 'utf-8'],
  ['utf_8', 'utf-8'],
  ['us-ascii', 'us-ascii'],
  ['ascii', 'us-ascii'],
  ['iso-8859-1', 'latin1'],
  ['iso8859-1', 'latin1'],
  ['iso8859_1', 'latin1'],
  ['latin1', 'latin1'],
  ['utf-16', 'utf-16be'],
  ['cp1252', 'windows-1252'],
]);

/** Decodes bytes that may come in pieces; a character cut by the end of a piece is finished by the next. */
export interface TextReader {
  /** Throws TypeError at bytes that are none of the character set, if the reader is strict; replaces them by U+FFFD otherwise. */
  read(bytes: Uint8Array, last?: boolean): string;
}

export function isKnownCharset(name: string): boolean {
  try {
    textReader(name, false);
    return true;
  } catch {
    return false;
  }
}

/** Whether text in this character set is taken as UTF-8 bytes without decoding. */
export function isUtf8Charset(name: string): boolean {
  return canonical(name) === 'utf-8';
}

export function textReader(charset: string, strict: boolean): TextReader {
  const name = canonical(charset);
  if (name === 'latin1') return { read: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') };
  if (name === 'us-ascii') return asciiReader(strict);
  if (charset.toLowerCase() === 'utf-16') return markedUtf16Reader(strict);
  const decoder = new TextDecoder(name, { fatal: strict, ignoreBOM: true });
  return { read: (bytes, last = false) => decoder.decode(bytes, { stream: !last }) };
}

/** Bytes of `text`; characters outside of the character set become `?`, as in Java. `continued`: without a byte order mark in front. */
export function encodeText(text: string, charset: string, continued = false): Buffer {
  const name = canonical(charset);
  if (name === 'utf-8') return Buffer.from(text);
  if (name === 'utf-16le') return Buffer.from(text, 'utf16le');
  if (name === 'utf-16be') {
    const bytes = Buffer.from(text, 'utf16le').swap16();
    return charset.toLowerCase() === 'utf-16' && !continued ? Buffer.concat([Buffer.from([0xfe, 0xff]), bytes]) : bytes;
  }
  const most = name === 'latin1' ? 0xff : 0x7f;
  return Buffer.from(text.replace(/[\s\S]/gu, (char) => ((char.codePointAt(0) ?? 0) > most ? '?' : char)), 'latin1');
}

function canonical(name: string): string {
  const lower = name.toLowerCase();
  return NAMES.get(lower) ?? lower;
}

function asciiReader(strict: boolean): TextReader {
  return {
    read(bytes) {
      if (strict && bytes.some((byte) => byte > 0x7f)) throw new TypeError('byte above 7F in US-ASCII text');
      return Buffer.from(bytes.map((byte) => byte & 0x7f)).toString('latin1');
    },
  };
}

/** UTF-16 with a byte order mark that is taken off; big-endian without one. */
function markedUtf16Reader(strict: boolean): TextReader {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  return {
    read(bytes, last = false) {
      if (!decoder) {
        const little = bytes[0] === 0xff && bytes[1] === 0xfe;
        decoder = new TextDecoder(little ? 'utf-16le' : 'utf-16be', { fatal: strict });
      }
      return decoder.decode(bytes, { stream: !last });
    },
  };
}
