// The compact tables are kept compressed: 3 MB of text is 460 kB on disk.

import { gunzipSync, gzipSync } from 'node:zlib';
import { BadFactsFile } from './compact-file.ts';

/** Decompressed size that is refused: Microsoft's file has 4 MB as JSON, 1.7 MB in the compact form. */
const MAXIMUM_BYTES = 64 * 1024 * 1024;

export function isCompactForm(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Throws `BadFactsFile`. */
export function unpack(bytes: Uint8Array): string {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAXIMUM_BYTES }).toString('utf8');
  } catch (cause) {
    throw new BadFactsFile(`it does not decompress: ${(cause as Error).message}`, { cause });
  }
}

export function pack(text: string): Buffer {
  return gzipSync(text, { level: 9 });
}
