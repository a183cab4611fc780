/**
 * Pre-tokens of ASCII by arithmetic on bits: a bit a byte of the 64 at an address where a pre-token begins, lowest first.
 *
 * A function for a pattern returns the bits at which further pre-tokens begin, as far as the 64 bytes decide it. It stops
 * at the first byte beyond ASCII, and where contractions are possible; what is left is for the scanners by character.
 */

// @ts-ignore: decorator
@inline
function gather(first: v128, second: v128, third: v128, fourth: v128): u64 {
  const low = <u32>v128.bitmask<i8>(first) | (<u32>v128.bitmask<i8>(second) << 16);
  const high = <u32>v128.bitmask<i8>(third) | (<u32>v128.bitmask<i8>(fourth) << 16);
  return <u64>low | (<u64>high << 32);
}

/** Bytes from `from` on, `count` of them: one subtraction and one signed comparison. */
// @ts-ignore: decorator
@inline
function within(bytes: v128, from: i32, count: i32): v128 {
  return v128.lt<i8>(
    v128.add<i8>(bytes, v128.splat<i8>(<i8>(-128 - from))),
    v128.splat<i8>(<i8>(count - 128)),
  );
}

// @ts-ignore: decorator
@inline
function equal(bytes: v128, byte: i32): v128 {
  return v128.eq<i8>(bytes, v128.splat<i8>(<i8>byte));
}

// @ts-ignore: decorator
@inline
function letters(bytes: v128): v128 {
  return within(v128.or(bytes, v128.splat<i8>(0x20)), 0x61, 26);
}

// Masks of the block at hand.
let beyond: u64 = 0;
let letter: u64 = 0;
let upper: u64 = 0;
let digit: u64 = 0;
let white: u64 = 0;
let newline: u64 = 0;
let space: u64 = 0;
let apostrophe: u64 = 0;
let symbol: u64 = 0;

// @ts-ignore: decorator
@inline
function classify(at: i32, withUpper: bool, withNewline: bool): void {
  const a = v128.load(at);
  const b = v128.load(at, 16);
  const c = v128.load(at, 32);
  const d = v128.load(at, 48);
  beyond = gather(a, b, c, d);
  letter = gather(letters(a), letters(b), letters(c), letters(d));
  digit = gather(within(a, 0x30, 10), within(b, 0x30, 10), within(c, 0x30, 10), within(d, 0x30, 10));
  space = gather(equal(a, 0x20), equal(b, 0x20), equal(c, 0x20), equal(d, 0x20));
  white =
    space | gather(within(a, 9, 5), within(b, 9, 5), within(c, 9, 5), within(d, 9, 5));
  apostrophe = gather(equal(a, 0x27), equal(b, 0x27), equal(c, 0x27), equal(d, 0x27));
  if (withNewline) {
    newline =
      gather(equal(a, 10), equal(b, 10), equal(c, 10), equal(d, 10)) |
      gather(equal(a, 13), equal(b, 13), equal(c, 13), equal(d, 13));
  }
  if (withUpper) {
    upper = gather(within(a, 0x41, 26), within(b, 0x41, 26), within(c, 0x41, 26), within(d, 0x41, 26));
  }
  symbol = ~(letter | digit | white | beyond);
}

/**
 * Of `starts`, those that no byte from the first event on can change: up to the byte before it, and of the run of white
 * space that may end there only its first.
 */
// @ts-ignore: decorator
@inline
function decided(starts: u64, events: u64): u64 {
  const below = events === 0 ? <u64>-1 : (events & -events) - 1;
  const solid = ~white & below;
  if (solid === 0) return 0;
  // Two shifts, as a shift by 64 would be one by 0.
  const upToRun = ((<u64>2 << (63 - clz(solid))) << 1) - 1;
  return starts & upToRun & below & ~1;
}

/** Blanks of cl100k and o200k: `\s*[\r\n]+|\s+(?!\S)|\s+`, but for the line breaks that symbols take. */
// @ts-ignore: decorator
@inline
function blankStarts(absorbed: u64): u64 {
  const run = white & ~absorbed;
  const blank = run & ~newline;
  let starts = (run & ~(run << 1)) | (blank & ~(white >> 1));
  // Behind a line break the rest of the run begins anew, unless another line break ends that.
  const behindBreak = blank & (newline << 1);
  starts |= behindBreak;
  let endless = (blank + behindBreak) & ~blank & newline & ~absorbed;
  while (endless !== 0) {
    const before = behindBreak & ((endless & -endless) - 1);
    const index = 63 - clz(before);
    // The first of a run begins a pre-token all the same.
    if (((run << 1) >> index) & 1) starts &= ~(<u64>1 << index);
    endless &= endless - 1;
  }
  return starts;
}

/** Numbers of one pre-token each `most` digits. */
// @ts-ignore: decorator
@inline
function digitStarts(most: i32): u64 {
  if (most === 1) return digit;
  const first = digit & ~(digit << 1);
  const inside = digit & (digit << 1) & (digit << 2);
  let starts = first;
  let next = (first << 3) & inside;
  while (next !== 0) {
    starts |= next;
    next = (next << 3) & inside;
  }
  return starts;
}

export function startsCl100k(at: i32, maxDigits: i32): u64 {
  classify(at, false, true);
  const symbolFirst = symbol & ~(symbol << 1) & ~(space << 1);
  const prefix = symbolFirst & (letter >> 1);
  const wordFirst = letter & ~(letter << 1) & ~(prefix << 1) & ~((white & ~newline) << 1);
  // Line breaks behind symbols: a carry runs through them.
  const absorbed = newline & ~(newline + (newline & (symbol << 1)));
  const starts = symbolFirst | wordFirst | digitStarts(maxDigits) | blankStarts(absorbed);
  // A contraction matters where more letters follow than are its own.
  const contractions = apostrophe & symbolFirst & (letter >> 1) & (letter >> 2);
  return decided(starts, beyond | (contractions << 1));
}

export function startsO200k(at: i32): u64 {
  classify(at, true, true);
  const symbolFirst = symbol & ~(symbol << 1) & ~(space << 1);
  const prefix = symbolFirst & (letter >> 1);
  const lower = letter & ~upper;
  const wordFirst =
    (letter & ~(letter << 1) & ~(prefix << 1) & ~((white & ~newline) << 1)) | (upper & (lower << 1));
  const absorbed = newline & ~(newline + (newline & (symbol << 1)));
  const starts = symbolFirst | wordFirst | digitStarts(3) | blankStarts(absorbed);
  // A word takes the contraction behind it; what stands behind the block may be one.
  const contractions = apostrophe & (letter << 1) & (((letter | beyond) >> 1) | (<u64>1 << 63));
  // Line breaks behind symbols take a slash along.
  return decided(starts, beyond | contractions | (symbol & (absorbed << 1)));
}

export function startsGpt2(at: i32): u64 {
  classify(at, false, false);
  const symbolFirst = symbol & ~(symbol << 1) & ~(space << 1);
  const wordFirst = letter & ~(letter << 1) & ~(space << 1);
  const digitFirst = digit & ~(digit << 1) & ~(space << 1);
  const blankFirst = white & ~(white << 1);
  const blankLast = white & ~(white >> 1);
  const contractions = apostrophe & symbolFirst & (letter >> 1);
  return decided(
    symbolFirst | wordFirst | digitFirst | blankFirst | blankLast,
    beyond | (contractions << 1),
  );
}
