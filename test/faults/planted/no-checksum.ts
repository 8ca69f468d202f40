/** `node:zlib`, whose checksum is right whatever it is the checksum of. */

export * from 'node:zlib';

export function crc32(): number {
  return 0;
}
