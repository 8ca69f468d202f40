/** CRC-32's polynomial, reflected. */
const POLYNOMIAL = 0xedb88320;

/**
 * CRC-32 of two pieces of bytes, one behind the other, from that of each and the length of the second: as many steps as the length has
 * bits, whatever the pieces hold.
 */
export function joinCrc(first: number, second: number, secondLength: number): number {
  let joined = first;
  // For each bit of the length: so many zero bytes behind the first piece.
  for (let length = secondLength, bit = 0; length > 0; length = Math.floor(length / 2), bit++) {
    if (length % 2 === 1) joined = multiply(zeros(bit), joined);
  }
  return (joined ^ second) >>> 0;
}

/** By bit: x to the power of 8 × 2^bit, modulo the polynomial. */
const powers: number[] = [];

function zeros(bit: number): number {
  // x^8: bits are reflected, x^0 is the highest.
  while (powers.length <= bit) powers.push(powers.length === 0 ? 0x00800000 : multiply(powers.at(-1) as number, powers.at(-1) as number));
  return powers[bit] as number;
}

/** Product of two polynomials modulo CRC-32's. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let mask = 0x80000000; mask !== 0; mask >>>= 1) {
    if ((a & mask) !== 0) product ^= factor;
    factor = (factor & 1) !== 0 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product >>> 0;
}
