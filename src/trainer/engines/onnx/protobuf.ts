/**
 * Writer of the Protocol Buffers wire format: varints, 32-bit, 64-bit and length-delimited fields, which is all that ONNX
 * models and TensorBoard's events need. Specification: protobuf.dev, "Encoding".
 *
 * A nested message is written into a writer of its own and its bytes are put into the outer one.
 */
const INITIAL_BYTES = 256;
const WIRE = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

export class ProtobufWriter {
  private bytes = new Uint8Array(INITIAL_BYTES);
  private length = 0;

  /** What has been written so far: a view of the writer's memory. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** An int64, int32 or enum. Negative numbers take ten bytes, as the format wants. */
  integer(field: number, value: number | bigint): void {
    this.tag(field, WIRE.varint);
    this.varint(BigInt.asUintN(64, BigInt(value)));
  }

  float(field: number, value: number): void {
    this.tag(field, WIRE.fixed32);
    this.reserve(4);
    new DataView(this.bytes.buffer).setFloat32(this.length, value, true);
    this.length += 4;
  }

  double(field: number, value: number): void {
    this.tag(field, WIRE.fixed64);
    this.reserve(8);
    new DataView(this.bytes.buffer).setFloat64(this.length, value, true);
    this.length += 8;
  }

  string(field: number, value: string): void {
    this.data(field, new TextEncoder().encode(value));
  }

  data(field: number, value: Uint8Array): void {
    this.tag(field, WIRE.lengthDelimited);
    this.varint(BigInt(value.length));
    this.reserve(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }

  message(field: number, write: (writer: ProtobufWriter) => void): void {
    const inner = new ProtobufWriter();
    write(inner);
    this.data(field, inner.finish());
  }

  private tag(field: number, wire: number): void {
    this.varint(BigInt(field * 8 + wire));
  }

  private varint(value: bigint): void {
    this.reserve(10);
    let rest = value;
    while (rest > 0x7fn) {
      this.bytes[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.length++] = Number(rest);
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}
