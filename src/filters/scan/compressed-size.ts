/**
 * How small a text becomes by a fixed, simple compressor: the size of the LZ4 block (LZ4 block format, revision of
 * 2022) that greedy matching over a table of 4-byte sequences gives. Not zlib's, because its output changes between
 * versions and platforms, and a signal must not. Linear: each byte is looked at a bounded number of times.
 */
import { scanKernel } from '../wasm/kernel.js';
import { BYTES_AT, MAX_TEXT_BYTES } from '../wasm/layout.js';

const HASH_BITS = 12;
const MINIMUM_MATCH = 4;
const WINDOW = 65_535;
/** After this many bytes without a match the search steps over one byte more at a time. */
const SKIP_TRIGGER = 6;

/** Position of the last occurrence of a sequence with this hash, and the sequence. */
const table = new Int32Array(2 << HASH_BITS);
/** Positions stay below this. */
const MAX_POSITION = 2 ** 30;
/** Positions in the table are of all texts end to end, so that it need not be emptied for each. */
let base = WINDOW + 1;

/** Bytes of text up to which the buffer is kept for the next text. */
const RETAINED_BYTES = 1 << 21;

const encoder = new TextEncoder();
let encoded = new Uint8Array(1 << 16);

/** Bytes of the compressed form of a text that has so many bytes in UTF-8; 1 for no text. */
export function compressedSize(text: string, bytes: number): number {
  const kernel = bytes <= MAX_TEXT_BYTES ? scanKernel() : null;
  if (kernel !== null) {
    encoder.encodeInto(text, new Uint8Array(kernel.memory, BYTES_AT, bytes));
    return kernel.compressedSize(bytes);
  }
  const isTooLarge = encoded.length > RETAINED_BYTES && bytes <= RETAINED_BYTES;
  if (encoded.length < bytes || isTooLarge) {
    encoded = new Uint8Array(Math.max(bytes, Math.min(bytes * 2, RETAINED_BYTES)));
  }
  encoder.encodeInto(text, encoded);
  return compressedBytes(encoded.subarray(0, bytes));
}

function compressedBytes(bytes: Uint8Array): number {
  const length = bytes.length;
  if (base + length > MAX_POSITION) {
    table.fill(0);
    base = WINDOW + 1;
  }
  const start = base;
  base += length + WINDOW + 1;
  let size = 0;
  let anchor = 0;
  let i = 0;
  let misses = 1 << SKIP_TRIGGER;
  const last = length - MINIMUM_MATCH;
  while (i <= last) {
    const sequence = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    const slot = (Math.imul(sequence, 0x9e3779b1) >>> (32 - HASH_BITS)) * 2;
    const candidate = table[slot] - start;
    const isMatch = table[slot + 1] === sequence && candidate >= 0 && i - candidate <= WINDOW;
    table[slot] = start + i;
    table[slot + 1] = sequence;
    if (!isMatch) {
      i += misses++ >> SKIP_TRIGGER;
      continue;
    }
    let matched = MINIMUM_MATCH;
    while (i + matched < length && bytes[candidate + matched] === bytes[i + matched]) matched += 1;
    const literals = i - anchor;
    size += 1 + extraBytes(literals) + literals + 2 + extraBytes(matched - MINIMUM_MATCH);
    i += matched;
    anchor = i;
    misses = 1 << SKIP_TRIGGER;
  }
  const literals = length - anchor;
  return size + 1 + extraBytes(literals) + literals;
}

/** Bytes that a length takes beyond the four bits of the token. */
function extraBytes(value: number): number {
  return value < 15 ? 0 : 1 + Math.floor((value - 15) / 255);
}
