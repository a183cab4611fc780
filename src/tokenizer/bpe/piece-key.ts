/** Short pre-tokens as four words, for tables of fixed slots: up to 15 bytes, zero-filled, and the length in the top byte. */

/** Longest pre-token in bytes that fits. */
export const MAX_KEY_BYTES = 15;

/** Which bits of word `w` belong to a pre-token of `n` bytes, at `4 * n + w`. */
export const KEY_MASKS = Int32Array.from({ length: 4 * (MAX_KEY_BYTES + 1) }, (_, index) => {
  const bytes = Math.min(4, Math.max(0, (index >> 2) - 4 * (index & 3)));
  return bytes === 4 ? -1 : (1 << (8 * bytes)) - 1;
});

/** 32 bits of hash, of which any may be used. */
export function hashKey(key0: number, key1: number, key2: number, key3: number): number {
  const hash =
    Math.imul(key0 ^ Math.imul(key2, 0x27d4eb2f), 0x9e3779b1) ^
    Math.imul(key1 ^ Math.imul(key3, 0x165667b1), 0x85ebca6b);
  return hash ^ (hash >>> 15);
}
