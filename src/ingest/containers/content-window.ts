/**
 * A window over the content of a source, for cutting: fills on demand, hands out ranges, and knows where each range
 * lies in the file.
 *
 * Invariants: filling stops at damage until `passDamage`, so no range ever spans lost content. A range handed out is
 * never written again. Positions are bytes of content, for a plain file those of the file; after a resume in the
 * middle of a gzip file they count from there, and `place` adds what lies before.
 */
import type { Position, Space } from '../records.js';
import type { Damage, Piece } from './pieces.js';

export interface Place {
  readonly space: Space;
  readonly offset: number;
  readonly length: number;
}

export interface WindowOrigin {
  /** Every byte of content is a byte of the file, at the same offset. */
  readonly plain: boolean;
  /** File offset where the pieces begin. */
  readonly file: number;
  /** Content that lies before it; computed when it is first needed, because that takes reading all of it. */
  readonly contentBefore: () => Promise<number>;
}

export class ContentWindow {
  private readonly pieces: AsyncIterator<Piece>;
  private readonly origin: WindowOrigin;
  private chunks: Uint8Array[] = [];
  /** Bytes of `chunks[0]` that are given up already. */
  private used = 0;
  /** Content positions that are member boundaries, ascending, with their file offsets. */
  private boundaries: { content: number; file: number }[];
  private before: number | undefined;
  /** Position of the next byte. */
  position: number;
  /** Position behind the last byte in memory. */
  end: number;
  /** Damage behind the bytes in memory; filling stops there. */
  damage: Damage | undefined;
  /** The content ends with the bytes in memory. */
  complete = false;

  constructor(pieces: AsyncIterator<Piece>, origin: WindowOrigin) {
    this.pieces = pieces;
    this.origin = origin;
    this.position = origin.plain ? origin.file : 0;
    this.end = this.position;
    this.boundaries = [{ content: this.position, file: origin.file }];
  }

  get available(): number {
    return this.end - this.position;
  }

  /** Makes `count` bytes available. False where content or the readable part of it ends before. */
  async fill(count: number): Promise<boolean> {
    while (this.available < count) {
      if (this.complete || this.damage !== undefined) return false;
      await this.pull();
    }
    return true;
  }

  private async pull(): Promise<void> {
    const { done, value } = await this.pieces.next();
    if (done === true) this.complete = true;
    else if (value.kind === 'damage') this.damage = value;
    else if (value.kind === 'boundary') this.boundaries.push({ content: this.end, file: value.file });
    else {
      if (value.bytes.length > 0) this.chunks.push(value.bytes);
      this.end += value.bytes.length;
      if (value.memberEnd !== undefined) this.boundaries.push({ content: this.end, file: value.memberEnd });
    }
  }

  /** Whether a gzip member or a frame ends at a position, which must be in memory or its end; reads on until that is known. */
  async isBoundary(position: number): Promise<boolean> {
    return !this.origin.plain && (await this.fileEnd(position)) !== undefined;
  }

  /** Whether a gzip member or a frame is known to begin at a position in memory. */
  startsMember(position: number): boolean {
    return !this.origin.plain && this.boundaries.some(({ content }) => content === position);
  }

  /** Up to `count` bytes from `position + skip` on, as far as they are in memory, in one piece. */
  peek(skip: number, count: number): Buffer {
    let start = skip + this.used;
    let index = 0;
    while (index < this.chunks.length && start >= this.chunks[index].length) {
      start -= this.chunks[index].length;
      index += 1;
    }
    const parts: Uint8Array[] = [];
    let missing = Math.max(0, Math.min(count, this.available - skip));
    for (; missing > 0; index += 1, start = 0) {
      const part = this.chunks[index].subarray(start, start + missing);
      parts.push(part);
      missing -= part.length;
    }
    if (parts.length !== 1) return Buffer.concat(parts);
    return Buffer.from(parts[0].buffer, parts[0].byteOffset, parts[0].length);
  }

  /** Gives up the next bytes, which must be in memory. */
  skip(count: number): void {
    this.position += count;
    this.used += count;
    let index = 0;
    while (index < this.chunks.length && this.used >= this.chunks[index].length) {
      this.used -= this.chunks[index].length;
      index += 1;
    }
    if (index > 0) this.chunks.splice(0, index);
    const passed = this.boundaries.findLastIndex(({ content }) => content < this.position);
    if (passed >= 0) this.boundaries.splice(0, passed + 1);
  }

  /** Gives up to `count` bytes without holding them in memory. Returns how many there were. */
  async skipStream(count: number): Promise<number> {
    let skipped = 0;
    while (skipped < count && (await this.fill(1))) {
      const step = Math.min(count - skipped, this.available);
      this.skip(step);
      skipped += step;
    }
    return skipped;
  }

  /** File offset of a position where a record begins: behind all that is empty there. */
  fileStart(position: number): number | undefined {
    if (this.origin.plain) return position;
    return this.boundaries.findLast(({ content }) => content === position)?.file;
  }

  /** File offset of a position where a record ends. */
  private async fileEnd(position: number): Promise<number | undefined> {
    if (this.origin.plain) return position;
    const at = ({ content }: { content: number }): boolean => content === position;
    while (
      position === this.end &&
      !this.complete &&
      this.damage === undefined &&
      !this.boundaries.some(at)
    ) {
      await this.pull();
    }
    return this.boundaries.find(at)?.file;
  }

  /** Content offset of a position, from the beginning of the source. */
  async contentOffset(position: number): Promise<number> {
    this.before ??= this.origin.plain ? 0 : await this.origin.contentBefore();
    return this.before + position;
  }

  /**
   * Where content from `start` to `end` lies; `fileStart` was taken when the window was at `start`, and `end` is not
   * before `position`.
   */
  async place(start: number, end: number, fileStart: number | undefined): Promise<Place> {
    const fileEnd = await this.fileEnd(end);
    if (fileStart !== undefined && fileEnd !== undefined) {
      return { space: 'file', offset: fileStart, length: fileEnd - fileStart };
    }
    return { space: 'content', offset: await this.contentOffset(start), length: end - start };
  }

  /** Where reading goes on when it stops at a position, which is not before `position`. */
  async resumeAt(position: number): Promise<Position> {
    const file = await this.fileEnd(position);
    if (file !== undefined) return { space: 'file', offset: file };
    return { space: 'content', offset: await this.contentOffset(position) };
  }

  /** Place of damage and of the record from `start` on that it cuts off; of the damage alone where that is empty. */
  async damagedPlace(start: number, fileStart: number | undefined, damage: Damage): Promise<Place> {
    if (start === this.end) {
      return { space: 'file', offset: damage.start, length: damage.end - damage.start };
    }
    if (fileStart !== undefined) return { space: 'file', offset: fileStart, length: damage.end - fileStart };
    return { space: 'content', offset: await this.contentOffset(start), length: this.end - start };
  }

  /** Gives up everything before a content offset, counted from the beginning of the source. */
  async skipTo(offset: number): Promise<void> {
    while (this.position < offset) {
      await this.skipStream(offset - this.position);
      if (this.position === offset || this.damage === undefined) return;
      this.passDamage();
    }
  }

  /** Goes on behind the damage; what is in memory of the damaged part is given up. */
  passDamage(): void {
    const damage = this.damage as Damage;
    this.skip(this.available);
    this.boundaries = [{ content: this.position, file: damage.end }];
    this.damage = undefined;
  }
}
