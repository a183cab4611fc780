/** Where an encoder reads its text from, chunk by chunk, as UTF-8. */

export interface TextSource {
  /** Copies bytes to `target[offset, limit)` and returns how many; fewer than there is room for only near the end. */
  read(target: Uint8Array, offset: number, limit: number): number;
  /** Whether everything was read. */
  readonly done: boolean;
}

export class ByteSource implements TextSource {
  private readonly bytes: Uint8Array;
  private position: number;
  private readonly end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get done(): boolean {
    return this.position === this.end;
  }

  read(target: Uint8Array, offset: number, limit: number): number {
    const count = Math.min(limit - offset, this.end - this.position);
    target.set(this.bytes.subarray(this.position, this.position + count), offset);
    this.position += count;
    return count;
  }
}

const encoder = new TextEncoder();

/** A JavaScript string; a lone surrogate is read as U+FFFD. */
export class StringSource implements TextSource {
  private rest: string;

  constructor(text: string) {
    this.rest = text;
  }

  get done(): boolean {
    return this.rest === '';
  }

  read(target: Uint8Array, offset: number, limit: number): number {
    const { read, written } = encoder.encodeInto(this.rest, target.subarray(offset, limit));
    this.rest = this.rest.slice(read);
    return written;
  }
}
