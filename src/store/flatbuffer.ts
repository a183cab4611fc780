/**
 * Reads flatbuffer tables ("FlatBuffers Internals", the binary format), which Arrow's metadata is made of.
 *
 * Invariant: every read is inside the buffer, and the work is bounded by its size, whatever bytes it holds.
 * @throws RangeError from every function, where an offset or length leads outside
 */

/** A table; fields are named by their index in the schema, and an absent field has its default. */
export class FlatTable {
  private readonly view: DataView;
  private readonly position: number;
  private readonly vtable: number;
  private readonly vtableSize: number;

  constructor(view: DataView, position: number) {
    this.view = view;
    this.position = position;
    this.vtable = position - view.getInt32(position, true);
    this.vtableSize = view.getUint16(this.vtable, true);
  }

  /** The root table of a buffer. */
  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new FlatTable(view, view.getUint32(0, true));
  }

  /** Where a field's value is; undefined where it is absent. */
  private slot(index: number): number | undefined {
    const entry = 4 + 2 * index;
    if (entry + 2 > this.vtableSize) return undefined;
    const offset = this.view.getUint16(this.vtable + entry, true);
    return offset === 0 ? undefined : this.position + offset;
  }

  /** Where the value that a field refers to is. */
  private target(index: number): number | undefined {
    const slot = this.slot(index);
    return slot === undefined ? undefined : slot + this.view.getUint32(slot, true);
  }

  has(index: number): boolean {
    return this.slot(index) !== undefined;
  }

  uint8(index: number): number {
    const slot = this.slot(index);
    return slot === undefined ? 0 : this.view.getUint8(slot);
  }

  int16(index: number): number {
    const slot = this.slot(index);
    return slot === undefined ? 0 : this.view.getInt16(slot, true);
  }

  int32(index: number): number {
    const slot = this.slot(index);
    return slot === undefined ? 0 : this.view.getInt32(slot, true);
  }

  int64(index: number): number {
    const slot = this.slot(index);
    return slot === undefined ? 0 : readInt64(this.view, slot);
  }

  text(index: number): string {
    const target = this.target(index);
    if (target === undefined) return '';
    const length = this.count(target, 1);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      new Uint8Array(this.view.buffer, this.view.byteOffset + target + 4, length),
    );
  }

  table(index: number): FlatTable {
    const target = this.target(index);
    if (target === undefined) throw new RangeError(`field ${index} is missing`);
    return new FlatTable(this.view, target);
  }

  tables(index: number): FlatTable[] {
    const target = this.target(index);
    if (target === undefined) return [];
    return Array.from({ length: this.count(target, 4) }, (_, i) => {
      const slot = target + 4 + 4 * i;
      return new FlatTable(this.view, slot + this.view.getUint32(slot, true));
    });
  }

  /** A vector of structs, each given as its 64-bit little-endian words; `words` of them make a struct. */
  structs(index: number, words: number): number[][] {
    const target = this.target(index);
    if (target === undefined) return [];
    return Array.from({ length: this.count(target, 8 * words) }, (_, i) =>
      Array.from({ length: words }, (_, word) => readInt64(this.view, target + 4 + 8 * (i * words + word))),
    );
  }

  /** Length of the vector at `target`, checked against the room that there is. */
  private count(target: number, elementBytes: number): number {
    const length = this.view.getUint32(target, true);
    if (length * elementBytes > this.view.byteLength - target - 4) {
      throw new RangeError(`a vector of ${length} elements does not fit`);
    }
    return length;
  }
}

function readInt64(view: DataView, position: number): number {
  const value = Number(view.getBigInt64(position, true));
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is too large`);
  return value;
}
