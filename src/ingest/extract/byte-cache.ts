/**
 * Remembers a number for each of many short byte strings, so that what a page and its neighbours repeat is worked out
 * once. A full cache is emptied; what is in it never changes an answer.
 */

const SLOTS = 1 << 15;
const MAX_ENTRIES = SLOTS >> 1;
const KEY_BYTES = 1 << 20;
/** Longer keys are not remembered. */
const MAX_KEY_BYTES = 1 << 10;

export class ByteCache {
  private readonly compute: (bytes: Buffer, start: number, end: number) => number;
  /** Entry in a slot, counted from 1; 0 is free. */
  private readonly slots = new Int32Array(SLOTS);
  private readonly hashes = new Int32Array(MAX_ENTRIES + 1);
  private readonly starts = new Int32Array(MAX_ENTRIES + 2);
  private readonly values = new Int32Array(MAX_ENTRIES + 1);
  private readonly keys = new Uint8Array(KEY_BYTES);
  private entries = 0;

  constructor(compute: (bytes: Buffer, start: number, end: number) => number) {
    this.compute = compute;
  }

  get(bytes: Buffer, start: number, end: number): number {
    let hash = end - start;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]) | 0;
    hash ^= hash >>> 15;
    let slot = hash & (SLOTS - 1);
    for (let entry = this.slots[slot]; entry !== 0; entry = this.slots[slot]) {
      if (this.hashes[entry] === hash && this.isKey(entry, bytes, start, end)) return this.values[entry];
      slot = (slot + 1) & (SLOTS - 1);
    }
    const value = this.compute(bytes, start, end);
    if (end - start <= MAX_KEY_BYTES) this.add(bytes, start, end, hash, value);
    return value;
  }

  private isKey(entry: number, bytes: Buffer, start: number, end: number): boolean {
    const from = this.starts[entry];
    if (this.starts[entry + 1] - from !== end - start) return false;
    for (let i = 0; i < end - start; i++) if (this.keys[from + i] !== bytes[start + i]) return false;
    return true;
  }

  private add(bytes: Buffer, start: number, end: number, hash: number, value: number): void {
    const from = this.starts[this.entries + 1];
    if (this.entries === MAX_ENTRIES || from + end - start > KEY_BYTES) {
      this.slots.fill(0);
      this.entries = 0;
      this.add(bytes, start, end, hash, value);
      return;
    }
    const entry = this.entries + 1;
    let slot = hash & (SLOTS - 1);
    while (this.slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    // Keys are too short for a copy that makes objects.
    for (let i = 0; i < end - start; i++) this.keys[from + i] = bytes[start + i];
    // Work under a time limit is stopped in loops: what is remembered is so behind the last of them.
    this.starts[entry + 1] = from + end - start;
    this.hashes[entry] = hash;
    this.values[entry] = value;
    this.entries = entry;
    this.slots[slot] = entry;
  }
}
