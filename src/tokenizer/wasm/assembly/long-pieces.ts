/** The cache of pre-tokens that are too long for a key: that of `bpe/long-piece-cache.ts`, with bytes compared by eights. */
import {
  LONG_BYTES,
  LONG_BYTES_AT,
  LONG_SLOT_BITS,
  LONG_SLOTS_AT,
  LONG_TOKENS,
  LONG_TOKENS_AT,
} from '../layout';

const SLOT_MASK: u32 = (1 << LONG_SLOT_BITS) - 1;
const MAX_ENTRIES = 1 << (LONG_SLOT_BITS - 1);

let entries = 0;
let bytesUsed = 0;
let tokensUsed = 0;
/** Where the last search ended, and the hash it looked for. */
let foundSlot: i32 = 0;
let foundHash: u32 = 0;

/** Eight bytes at `start + at`, those behind the length as zeros. */
// @ts-ignore: decorator
@inline
function wordAt(start: i32, at: i32, size: i32): u64 {
  const word = load<u64>(start + at);
  const rest = size - at;
  return rest >= 8 ? word : word & ((<u64>1 << <u64>(8 * rest)) - 1);
}

function hashOf(start: i32, size: i32): u32 {
  let hash = <u64>size;
  for (let at = 0; at < size; at += 8) {
    hash = (hash ^ wordAt(start, at, size)) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  }
  return <u32>hash;
}

function equals(kept: i32, start: i32, size: i32): bool {
  for (let at = 0; at < size; at += 8) {
    if (load<u64>(kept + at) !== wordAt(start, at, size)) return false;
  }
  return true;
}

/** Writes the tokens of a pre-token to `out`; returns their number, 0 where they are not known. */
export function findLong(start: i32, size: i32, out: i32): i32 {
  const hash = hashOf(start, size);
  let index = hash & SLOT_MASK;
  while (true) {
    const slot: i32 = LONG_SLOTS_AT + (<i32>index << 4);
    const sizes = load<i32>(slot, 12);
    if (sizes === 0) {
      foundSlot = slot;
      foundHash = hash;
      return 0;
    }
    if (load<u32>(slot) === hash && sizes >> 16 === size && equals(load<i32>(slot, 4), start, size)) {
      const count = sizes & 0xffff;
      memory.copy(out, load<i32>(slot, 8), <i32>count << 2);
      return count;
    }
    index = (index + 1) & SLOT_MASK;
  }
}

/** Keeps the tokens of what was just not found. */
export function rememberLong(start: i32, size: i32, tokens: i32, count: i32): void {
  const words = (size + 7) & ~7;
  if (entries === MAX_ENTRIES || bytesUsed + words > LONG_BYTES || tokensUsed + count > LONG_TOKENS) {
    memory.fill(LONG_SLOTS_AT, 0, 16 << LONG_SLOT_BITS);
    entries = 0;
    bytesUsed = 0;
    tokensUsed = 0;
    foundSlot = LONG_SLOTS_AT + (<i32>(foundHash & SLOT_MASK) << 4);
  }
  const kept: i32 = LONG_BYTES_AT + bytesUsed;
  const keptTokens: i32 = LONG_TOKENS_AT + (<i32>tokensUsed << 2);
  store<u32>(foundSlot, foundHash);
  store<i32>(foundSlot, kept, 4);
  store<i32>(foundSlot, keptTokens, 8);
  store<i32>(foundSlot, (size << 16) | count, 12);
  for (let at = 0; at < size; at += 8) store<u64>(kept + at, wordAt(start, at, size));
  memory.copy(keptTokens, tokens, <i32>count << 2);
  bytesUsed += words;
  tokensUsed += count;
  entries += 1;
}
