/**
 * Names of elements and attributes looked up straight from the bytes of a page, without making strings of them.
 * Open addressing; every hit is compared byte by byte, so a hash that two names share costs a step and nothing else.
 */

const SLOTS = 1024;

/** One more byte of a name goes into its hash; letters count the same in either case. */
export function hashByte(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + (byte | 0x20)) | 0;
}

export class NameTable<Value> {
  private readonly names: (Uint8Array | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  private readonly values: (Value | undefined)[] = Array.from({ length: SLOTS }, () => undefined);

  /** @param entries names in lower case; far fewer than SLOTS */
  constructor(entries: Iterable<readonly [string, Value]>) {
    for (const [name, value] of entries) {
      const bytes = Uint8Array.from(Buffer.from(name, 'latin1'));
      let slot = bytes.reduce(hashByte, 0) & (SLOTS - 1);
      while (this.names[slot] !== undefined) slot = (slot + 1) & (SLOTS - 1);
      this.names[slot] = bytes;
      this.values[slot] = value;
    }
  }

  /** @param hash of the bytes from `start` to `end`, made with `hashByte` beginning at 0 */
  find(bytes: Uint8Array, start: number, end: number, hash: number): Value | undefined {
    for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const name = this.names[slot];
      if (name === undefined) return undefined;
      if (name.length === end - start && isSame(name, bytes, start)) return this.values[slot];
    }
  }
}

function isSame(name: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[start + i];
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lower !== name[i]) return false;
  }
  return true;
}
