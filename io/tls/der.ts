export const SEQUENCE = 0x30;
const OCTET_STRING = 0x04;
const CONTEXT_0 = 0xa0;
const IMPLICIT_0 = 0x80;

export interface Element {
  readonly tag: number;
  readonly value: Buffer;
}

/** An octet string inside of an explicit tag. */
export function octets(bytes: Buffer | undefined): Buffer {
  return joined(children(bytes)[0]);
}

/** An octet string in one piece or in several. */
export function joined(element: Element | undefined): Buffer {
  if (!element) throw new Error('an element is missing');
  if (element.tag === OCTET_STRING || element.tag === IMPLICIT_0) return element.value;
  if (element.tag !== (OCTET_STRING | 0x20) && element.tag !== CONTEXT_0) throw new Error('an octet string is missing');
  return Buffer.concat(children(element.value).map((piece) => piece.value));
}

/** The elements that follow one another in `bytes`. */
export function children(bytes: Buffer | undefined): readonly Element[] {
  const elements: Element[] = [];
  for (let at = 0; bytes && at < bytes.length; ) {
    const element = read(bytes, at);
    elements.push(element);
    at = element.next;
  }
  return elements;
}

/** One element of DER (ITU-T X.690) at `at`. */
export function read(bytes: Buffer, at: number): Element & { readonly next: number } {
  const tag = bytes.readUInt8(at);
  let length = bytes.readUInt8(at + 1);
  let begin = at + 2;
  if (length > 0x80) {
    const size = length & 0x7f;
    length = bytes.readUIntBE(begin, size);
    begin += size;
  }
  if (begin + length > bytes.length) throw new Error('an element is longer than what holds it');
  return { tag, value: bytes.subarray(begin, begin + length), next: begin + length };
}
