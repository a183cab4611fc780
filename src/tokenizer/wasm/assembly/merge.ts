/**
 * Turns a pre-token of up to MAX_MERGE_BYTES into tokens: again and again the pair of lowest rank, leftmost first.
 *
 * The rank of the pair that begins at a position is kept as `rank << 8 | position`, so that one minimum over the positions,
 * four at a time, gives both; positions never move. The table of pairs is that of `bpe/pair-table.ts`.
 */
import { BYTE_PAIRS_AT, BYTE_TOKENS_AT, MERGE_AT } from '../layout';

const NO_RANK: u32 = 0x7fffffff;
const NO_PAIR: u32 = 0xffffffff;

const TOKENS: i32 = MERGE_AT;
const PAIRS: i32 = MERGE_AT + 1024;
const NEXT: i32 = MERGE_AT + 2048;
const PREVIOUS: i32 = MERGE_AT + 3072;

const RIGHT_SHIFT = 21;
const RANK_SHIFT = 42;

let slots: i32 = 0;
let filter: i32 = 0;
let results: i32 = 0;
let mask: u32 = 0;
let shift: u32 = 0;
let filterShift: u32 = 0;

/** Where the tables of pairs are, and the shifts that bring a hash to their size. */
export function configurePairs(
  slotsAt: i32,
  filterAt: i32,
  resultsAt: i32,
  slotShift: u32,
  shiftOfFilter: u32,
): void {
  slots = slotsAt;
  filter = filterAt;
  results = resultsAt;
  shift = slotShift;
  mask = (1 << (32 - slotShift)) - 1;
  filterShift = shiftOfFilter;
}

function rank(left: u32, right: u32): u32 {
  let hash = ((left * 0x9e3779b1) ^ right) * 0x85ebca6b;
  hash = (hash ^ (hash >> 15)) * 0x2c1b3c6d;
  const bit = hash >> filterShift;
  if (((load<u8>(filter + (bit >> 3)) >> <u8>(bit & 7)) & 1) === 0) return NO_RANK;
  const key = <u64>left | (<u64>right << RIGHT_SHIFT);
  let index = hash >> shift;
  while (true) {
    const slot = load<u64>(slots + (<i32>index << 3));
    if ((slot & ((<u64>1 << RANK_SHIFT) - 1)) === key) return <u32>(slot >> RANK_SHIFT);
    if (<u32>slot === 0xffffffff) return NO_RANK;
    index = (index + 1) & mask;
  }
}

// @ts-ignore: decorator
@inline
function pack(rankOfPair: u32, position: i32): u32 {
  return rankOfPair === NO_RANK ? NO_PAIR : (rankOfPair << 8) | <u32>position;
}

/** Writes the tokens of `[start, start + length)` to `out`; returns their number. */
export function mergeShort(start: i32, length: i32, out: i32): i32 {
  let byte = <u32>load<u8>(start);
  store<u32>(TOKENS, load<u32>(BYTE_TOKENS_AT + (byte << 2)));
  const last = length - 1;
  for (let index = 0; index < last; index++) {
    const following = <u32>load<u8>(start + index, 1);
    store<u32>(TOKENS + (index << 2), load<u32>(BYTE_TOKENS_AT + (following << 2)), 4);
    store<u32>(PAIRS + (index << 2), pack(load<u32>(BYTE_PAIRS_AT + (((byte << 8) | following) << 2)), index));
    store<u16>(NEXT + (index << 1), <u16>(index + 1));
    store<u16>(PREVIOUS + (index << 1), <u16>index, 2);
    byte = following;
  }
  store<u16>(NEXT + (last << 1), <u16>length);
  // No pair begins at the last position, nor behind it as far as four are read at a time.
  v128.store(PAIRS + (last << 2), v128.splat<i32>(-1));
  const end = PAIRS + (last << 2);
  while (true) {
    let lowest = v128.load(PAIRS);
    for (let at = PAIRS + 16; at < end; at += 16) lowest = v128.min<u32>(lowest, v128.load(at));
    lowest = v128.min<u32>(lowest, v128.shuffle<i32>(lowest, lowest, 2, 3, 0, 1));
    lowest = v128.min<u32>(lowest, v128.shuffle<i32>(lowest, lowest, 1, 0, 3, 2));
    const best = <u32>v128.extract_lane<i32>(lowest, 0);
    if (best === NO_PAIR) break;
    const at = <i32>(best & 255);
    const token = load<u32>(results + ((best >> 8) << 2));
    const right = <i32>load<u16>(NEXT + (at << 1));
    const behind = <i32>load<u16>(NEXT + (right << 1));
    store<u32>(TOKENS + (at << 2), token);
    store<u16>(NEXT + (at << 1), <u16>behind);
    store<u32>(PAIRS + (right << 2), NO_PAIR);
    let following = NO_PAIR;
    if (behind < length) {
      store<u16>(PREVIOUS + (behind << 1), <u16>at);
      following = pack(rank(token, load<u32>(TOKENS + (behind << 2))), at);
    }
    store<u32>(PAIRS + (at << 2), following);
    if (at > 0) {
      const before = <i32>load<u16>(PREVIOUS + (at << 1));
      store<u32>(PAIRS + (before << 2), pack(rank(load<u32>(TOKENS + (before << 2)), token), before));
    }
  }
  let count = 0;
  for (let index = 0; index < length; index = <i32>load<u16>(NEXT + (index << 1))) {
    store<u32>(out + (count << 2), load<u32>(TOKENS + (index << 2)));
    count += 1;
  }
  return count;
}
