/**
 * Remembers the tokens of pre-tokens that are too long for a key of four words: indentation, rules, identifiers,
 * sentences of scripts without spaces. Bytes, filled up with zeros to whole words, and tokens are in two arenas; when one
 * of them or the table is full, everything is forgotten.
 */

/** Longer pre-tokens hardly ever come again. */
export const MAX_REMEMBERED_BYTES = 255;

const SLOT_BITS = 17;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const MAX_ENTRIES = 1 << (SLOT_BITS - 1);
const ARENA_WORDS = 1 << 19;
const ARENA_TOKENS = 1 << 20;

export class LongPieceCache {
  /**
   * Slots of four words: hash, where the bytes begin (in words), where the tokens begin, `bytes << 16 | tokens`. The last
   * is 0 in an empty slot.
   */
  private readonly slots = new Int32Array(4 << SLOT_BITS);
  private readonly words = new Int32Array(ARENA_WORDS);
  private readonly tokens = new Uint32Array(ARENA_TOKENS);
  private entries = 0;
  private wordsUsed = 0;
  private tokensUsed = 0;
  /** Where the last `find` ended, and the hash it looked for. */
  private slot = 0;
  private hash = 0;

  /** Writes the tokens of `view[start, start + length)` to `output`; returns their number, 0 where they are not known. */
  find(view: DataView, start: number, length: number, output: Uint32Array, offset: number): number {
    const { slots } = this;
    const hash = hashBytes(view, start, length);
    let index = hash & SLOT_MASK;
    for (;;) {
      const slot = index << 2;
      const sizes = slots[slot + 3];
      if (sizes === 0) {
        this.slot = slot;
        this.hash = hash;
        return 0;
      }
      if (
        slots[slot] === hash &&
        sizes >>> 16 === length &&
        this.equals(slots[slot + 1], view, start, length)
      ) {
        const count = sizes & 0xffff;
        const from = slots[slot + 2];
        for (let at = 0; at < count; at++) output[offset + at] = this.tokens[from + at];
        return count;
      }
      index = (index + 1) & SLOT_MASK;
    }
  }

  /** Keeps the tokens of what was just not found. */
  remember(
    view: DataView,
    start: number,
    length: number,
    output: Uint32Array,
    offset: number,
    count: number,
  ): void {
    const wordCount = (length + 3) >> 2;
    if (
      this.entries === MAX_ENTRIES ||
      this.wordsUsed + wordCount > ARENA_WORDS ||
      this.tokensUsed + count > ARENA_TOKENS
    ) {
      this.slots.fill(0);
      this.entries = 0;
      this.wordsUsed = 0;
      this.tokensUsed = 0;
      this.slot = (this.hash & SLOT_MASK) << 2;
    }
    const { slots, slot } = this;
    slots[slot] = this.hash;
    slots[slot + 1] = this.wordsUsed;
    slots[slot + 2] = this.tokensUsed;
    slots[slot + 3] = (length << 16) | count;
    for (let at = 0; at < length; at += 4) this.words[this.wordsUsed++] = wordAt(view, start, at, length);
    for (let at = 0; at < count; at++) this.tokens[this.tokensUsed++] = output[offset + at];
    this.entries += 1;
  }

  private equals(from: number, view: DataView, start: number, length: number): boolean {
    for (let at = 0; at < length; at += 4) {
      if (this.words[from + (at >> 2)] !== wordAt(view, start, at, length)) return false;
    }
    return true;
  }
}

/** Four bytes at `start + at`, those behind the length as zeros. */
function wordAt(view: DataView, start: number, at: number, length: number): number {
  const word = view.getInt32(start + at, true);
  const rest = length - at;
  return rest >= 4 ? word : word & ((1 << (8 * rest)) - 1);
}

function hashBytes(view: DataView, start: number, length: number): number {
  let hash = length;
  for (let at = 0; at < length; at += 4) {
    hash = Math.imul(hash ^ wordAt(view, start, at, length), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
