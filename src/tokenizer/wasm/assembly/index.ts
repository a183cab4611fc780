/**
 * The hot path of encoding, in WebAssembly: a chunk of text to tokens without a step in JavaScript.
 *
 * The text is cut (`scan.ts`), then each pre-token is looked up in a cache of short ones or of long ones (`long-pieces.ts`),
 * or merged (`merge.ts`). The cache is the one that `bpe/encoder.ts` describes, with keys compared 16 bytes at a time.
 */
import { findLong, rememberLong } from './long-pieces';
import { mergeShort } from './merge';
import { scan as scanText } from './scan';
import {
  ENDS_AT,
  KEYS_AT,
  MAX_KEY_BYTES,
  MAX_MERGE_BYTES,
  OVERFLOW_AT,
  OVERFLOW_TOKENS,
  PROBES,
  SLOT_BITS,
  SLOTS_AT,
  TEXT_AT,
  TOKENS_AT,
} from '../layout';

export { configurePairs } from './merge';

/** Merges a longer pre-token, in JavaScript: address and length of its bytes, address for its tokens; their number. */
// @ts-ignore: decorator
@external('env', 'mergeLong')
declare function mergeLong(start: i32, length: i32, out: i32): i32;

/** The token that a whole pre-token is although merges do not lead to it, or -1. */
// @ts-ignore: decorator
@external('env', 'wholePiece')
declare function wholePiece(start: i32, length: i32): i32;

const SLOT_BYTES = 32;
const INLINE_TOKENS = 3;

let overflowUsed: i32 = 0;
let victim: i32 = 0;
let consumed: i32 = 0;
let asksForWhole: bool = false;

/** Whether `wholePiece` may know a pre-token. */
export function configureWhole(asks: bool): void {
  asksForWhole = asks;
}

/** Bytes of the text that the last call dealt with; the others are to come again in front of more text. */
export function consumedBytes(): i32 {
  return consumed;
}

/** Cuts the text of `length` bytes; returns the number of pre-tokens. */
function scan(pattern: i32, length: i32, final: bool): i32 {
  const behind = scanText(pattern, length, final);
  consumed = behind > ENDS_AT ? <i32>(load<i32>(behind - 4) - TEXT_AT) : 0;
  return <i32>((behind - ENDS_AT) >> 2);
}

/** The same, with the ends as offsets into the text. */
export function scanOffsets(pattern: i32, length: i32, final: bool): i32 {
  const count = scan(pattern, length, final);
  const behind = ENDS_AT + (count << 2);
  const base = v128.splat<i32>(TEXT_AT);
  for (let at = ENDS_AT; at < behind; at += 16) v128.store(at, v128.sub<i32>(v128.load(at), base));
  return count;
}

/** Encodes the text of `length` bytes; returns the number of tokens. */
export function encode(pattern: i32, length: i32, final: bool): i32 {
  const count = scan(pattern, length, final);
  const ends: i32 = ENDS_AT + (<i32>count << 2);
  let out: i32 = TOKENS_AT;
  let start: i32 = TEXT_AT;
  for (let at: i32 = ENDS_AT; at < ends; at += 4) {
    const end = <i32>load<i32>(at);
    const size = end - start;
    if (size > MAX_KEY_BYTES) {
      out += <i32>encodeLong(start, size, out) << 2;
      start = end;
      continue;
    }
    const mask = KEYS_AT + (size << 5);
    const key = v128.or(v128.and(v128.load(start), v128.load(mask)), v128.load(mask, 16));
    const home = homeOf(key);
    let slot = home;
    if (v128.any_true(v128.xor(v128.load(slot), key))) {
      slot = findBehind(home, key);
      if (slot === 0) {
        const merged = mergePiece(start, size, out);
        remember(home, key, out, merged);
        out += <i32>merged << 2;
        start = end;
        continue;
      }
    }
    // Three are written whatever the number: those in excess are overwritten by the next.
    const value = v128.load(slot, 16);
    v128.store(out, value);
    const number = v128.extract_lane<i32>(value, 3);
    if (number > 0) {
      out += <i32>number << 2;
    } else {
      const bytes = <i32>-number << 2;
      memory.copy(out, OVERFLOW_AT + (<i32>v128.extract_lane<i32>(value, 0) << 2), bytes);
      out += bytes;
    }
    start = end;
  }
  return <i32>((out - TOKENS_AT) >> 2);
}

// @ts-ignore: decorator
@inline
function homeOf(key: v128): i32 {
  const low = <u64>v128.extract_lane<i64>(key, 0) * 0x9e3779b97f4a7c15;
  const high = <u64>v128.extract_lane<i64>(key, 1) * 0xc2b2ae3d27d4eb4f;
  const hash = (low ^ (low >> 32) ^ high ^ (high >> 29)) * 0x165667b19e3779f9;
  return SLOTS_AT + <i32>(hash >> (64 - SLOT_BITS)) * SLOT_BYTES;
}

/** The slot behind `home` that has this key, 0 where none has. */
function findBehind(home: i32, key: v128): i32 {
  for (let probe: i32 = 1; probe < PROBES; probe++) {
    const slot = home + probe * SLOT_BYTES;
    if (!v128.any_true(v128.xor(v128.load(slot), key))) return slot;
  }
  return 0;
}

function remember(home: i32, key: v128, tokens: i32, count: i32): void {
  if (count > INLINE_TOKENS && overflowUsed + count > OVERFLOW_TOKENS) {
    memory.fill(SLOTS_AT, 0, SLOT_BYTES * ((1 << SLOT_BITS) + PROBES));
    overflowUsed = 0;
  }
  let slot = home;
  const beyond = home + PROBES * SLOT_BYTES;
  // A slot whose length is 0 is empty.
  while (slot < beyond && load<u8>(slot, 15) !== 0) slot += SLOT_BYTES;
  if (slot === beyond) {
    victim = (victim + 1) % PROBES;
    slot = home + <i32>victim * SLOT_BYTES;
  }
  v128.store(slot, key);
  if (count <= INLINE_TOKENS) {
    v128.store(slot, v128.load(tokens), 16);
    store<i32>(slot, count, 28);
  } else {
    store<i32>(slot, overflowUsed, 16);
    store<i32>(slot, -<i32>count, 28);
    memory.copy(OVERFLOW_AT + (<i32>overflowUsed << 2), tokens, <i32>count << 2);
    overflowUsed += count;
  }
}

function encodeLong(start: i32, size: i32, out: i32): i32 {
  if (size > MAX_MERGE_BYTES) return mergePiece(start, size, out);
  const known = findLong(start, size, out);
  if (known > 0) return known;
  const count = mergePiece(start, size, out);
  rememberLong(start, size, out, count);
  return count;
}

function mergePiece(start: i32, size: i32, out: i32): i32 {
  if (asksForWhole) {
    const whole = wholePiece(start, size);
    if (whole >= 0) {
      store<i32>(out, whole);
      return 1;
    }
  }
  return size > MAX_MERGE_BYTES ? mergeLong(start, size, out) : mergeShort(start, size, out);
}
