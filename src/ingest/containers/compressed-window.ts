/** The part of a compressed file that is in memory: grows at its end, is given up at its beginning. */
import type { ByteReader } from '../sources/bytes.js';

/** Room that is made at least, so that most reads only fill it. */
const ROOM_BYTES = 1_000_000;

export class CompressedWindow {
  private readonly reader: ByteReader;
  /** Memory that `bytes` is part of. Its bytes are written once: inflation in other threads may still read them. */
  private room: Buffer = Buffer.alloc(0);
  /** Of `room`, what has been written. */
  private written = 0;
  /** File offset of `bytes[0]`. */
  start: number;
  bytes: Buffer = Buffer.alloc(0);
  /** The file has no more bytes than those that are here. */
  complete = false;

  constructor(reader: ByteReader, start: number) {
    this.reader = reader;
    this.start = start;
  }

  /** File offset behind the last byte here. */
  get end(): number {
    return this.start + this.bytes.length;
  }

  /** Bytes from a file offset on. */
  from(offset: number): Buffer {
    return this.bytes.subarray(offset - this.start);
  }

  async grow(): Promise<void> {
    const chunk = await this.reader.read();
    if (chunk === undefined) {
      this.complete = true;
      return;
    }
    const held = this.bytes.length;
    if (this.written + chunk.length > this.room.length) {
      this.room = Buffer.allocUnsafeSlow(Math.max(ROOM_BYTES, 2 * (held + chunk.length)));
      this.room.set(this.bytes);
      this.written = held;
    }
    this.room.set(chunk, this.written);
    this.written += chunk.length;
    this.bytes = this.room.subarray(this.written - held - chunk.length, this.written);
  }

  /** Makes `count` bytes from `offset` on available, or all that there are. */
  async require(offset: number, count: number): Promise<Buffer> {
    while (!this.complete && this.end < offset + count) await this.grow();
    return this.from(offset);
  }

  /** Gives up what lies before a file offset. */
  discard(offset: number): void {
    if (offset <= this.start) return;
    this.bytes = this.from(offset);
    this.start = offset;
  }

  /** Gives up all before a file offset, without holding it in memory. Returns the offset, or the end where it is less. */
  async skipTo(offset: number): Promise<number> {
    while (this.end < offset && !this.complete) {
      this.discard(this.end);
      await this.grow();
    }
    const reached = Math.min(offset, this.end);
    this.discard(reached);
    return reached;
  }

  /** File offset of the first byte from `start` on that is not zero; undefined where there is none. */
  async skipZeros(start: number): Promise<number | undefined> {
    let position = start;
    for (;;) {
      const bytes = await this.require(position, 1);
      if (bytes.length === 0) return undefined;
      const used = bytes.findIndex((byte) => byte !== 0);
      if (used >= 0) return position + used;
      position += bytes.length;
      this.discard(position);
    }
  }
}
