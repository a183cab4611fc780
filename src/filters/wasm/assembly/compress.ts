/** The size of the text as one LZ4 block: `scan/compressed-size.ts`, step by step. */
import { BYTES_AT, SEQUENCE_BITS, SEQUENCES_AT } from '../layout';

const MINIMUM_MATCH: i32 = 4;
const WINDOW: i32 = 65535;
const SKIP_TRIGGER: i32 = 6;

/** Bytes of the compressed form of the `length` bytes of the text. */
export function compressedSize(length: i32): i32 {
  // One more than a position; 0 is none.
  memory.fill(SEQUENCES_AT, 0, 4 << SEQUENCE_BITS);
  let size: i32 = 0;
  let anchor: i32 = 0;
  let i: i32 = 0;
  let misses: i32 = 1 << SKIP_TRIGGER;
  const last = length - MINIMUM_MATCH;
  while (i <= last) {
    const sequence = load<i32>(BYTES_AT + i);
    const slot = SEQUENCES_AT + (((sequence * 0x9e3779b1) >>> (32 - SEQUENCE_BITS)) << 2);
    const candidate = load<i32>(slot) - 1;
    store<i32>(slot, i + 1);
    if (candidate < 0 || i - candidate > WINDOW || load<i32>(BYTES_AT + candidate) !== sequence) {
      i += misses >> SKIP_TRIGGER;
      misses += 1;
      continue;
    }
    const distance = i - candidate;
    let end = i + MINIMUM_MATCH;
    while (end + 8 <= length && load<u64>(BYTES_AT + end) === load<u64>(BYTES_AT + end - distance)) end += 8;
    while (end < length && load<u8>(BYTES_AT + end) === load<u8>(BYTES_AT + end - distance)) end += 1;
    const matched = end - i;
    const literals = i - anchor;
    size += 1 + extraBytes(literals) + literals + 2 + extraBytes(matched - MINIMUM_MATCH);
    i = end;
    anchor = i;
    misses = 1 << SKIP_TRIGGER;
  }
  const literals = length - anchor;
  return size + 1 + extraBytes(literals) + literals;
}

/** Bytes that a length takes beyond the four bits of the token. */
// @ts-ignore: decorator
@inline
function extraBytes(value: i32): i32 {
  return value < 15 ? 0 : 1 + (value - 15) / 255;
}
