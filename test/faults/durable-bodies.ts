/** The body of an event follows from its number: lengths from 0 to 700, and now and then one around 64 KB. */
export function bodyOf(number: number): Buffer {
  const length = number % 997 === 0 ? 65_535 + (number % 3) : (number * 31) % 700;
  return Buffer.alloc(length, `${number} `);
}
