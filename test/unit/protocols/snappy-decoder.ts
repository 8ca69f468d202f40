import assert from 'node:assert/strict';

/** Decodes the raw format element by element, as its description says, copying byte by byte. */
export function decompressSnappy(bytes: Buffer): Buffer {
  let at = 0;
  const byte = (): number => {
    assert.ok(at < bytes.length, 'cut off');
    return bytes[at++] as number;
  };
  let length = 0;
  for (let shift = 1; ; shift *= 128) {
    const part = byte();
    length += (part & 0x7f) * shift;
    if (part < 0x80) break;
  }
  const output: number[] = [];
  while (at < bytes.length) {
    const tag = byte();
    const kind = tag & 3;
    if (kind === 0) {
      let n = tag >> 2;
      if (n === 60) n = byte();
      else if (n === 61) n = byte() | (byte() << 8);
      else assert.ok(n < 60, 'longer literals are not written');
      for (let rest = n + 1; rest > 0; rest--) output.push(byte());
    } else {
      assert.notEqual(kind, 3, 'copies with long offsets are not written');
      const size = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      const offset = kind === 1 ? ((tag >> 5) << 8) | byte() : byte() | (byte() << 8);
      assert.ok(offset > 0 && offset <= output.length, `offset ${offset} at ${output.length}`);
      for (let rest = size; rest > 0; rest--) output.push(output[output.length - offset] as number);
    }
  }
  assert.equal(output.length, length);
  return Buffer.from(output);
}
