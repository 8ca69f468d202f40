/**
 * Bytes as text, decoded from UTF-8 as Java 17 does it. It replaces wrong bytes by U+FFFD just as Node does, but for one case: the bytes
 * of a lone surrogate (`ED A0..BF`, and the byte behind them if it continues a character) give one U+FFFD together, not one each.
 */
export function javaUtf8(bytes: Buffer, begin = 0, end = bytes.length): string {
  const text = bytes.toString('utf8', begin, end);
  return text.includes('\ufffd') ? decodePieces(bytes, begin, end) : text;
}

function decodePieces(bytes: Buffer, begin: number, end: number): string {
  let text = '';
  let decoded = begin;
  for (let at = begin; at + 1 < end; at++) {
    if (bytes[at] !== 0xed || (bytes[at + 1] as number) < 0xa0 || (bytes[at + 1] as number) > 0xbf) continue;
    const length = at + 2 < end && ((bytes[at + 2] as number) & 0xc0) === 0x80 ? 3 : 2;
    text += `${bytes.toString('utf8', decoded, at)}\ufffd`;
    decoded = at + length;
    at = decoded - 1;
  }
  return text + bytes.toString('utf8', decoded, end);
}
