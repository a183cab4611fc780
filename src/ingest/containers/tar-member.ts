/** Bytes of a member of an archive, out of the window that the archive is walked in. */
import type { BadReason } from '../records.js';
import type { ByteReader } from '../sources/bytes.js';
import type { ContentWindow } from './content-window.js';

const READ_BYTES = 1024 * 1024;

export class TarMemberReader implements ByteReader {
  private readonly window: ContentWindow;
  private readonly start: number;
  private readonly end: number;
  /** Why the archive has no more of the member than what was read. */
  damage: { readonly reason: BadReason; readonly detail: string } | undefined;

  /** The member's content begins at the window's position. */
  constructor(window: ContentWindow, size: number) {
    this.window = window;
    this.start = window.position;
    this.end = window.position + size;
  }

  /** Bytes that were read. */
  get position(): number {
    return this.window.position - this.start;
  }

  async read(): Promise<Uint8Array | undefined> {
    const left = this.end - this.window.position;
    if (left <= 0 || this.damage !== undefined) return undefined;
    if (!(await this.window.fill(1))) {
      const { damage } = this.window;
      this.damage = {
        reason: damage?.reason ?? 'truncated',
        detail: `the archive breaks off in this member: ${damage?.detail ?? 'it ends'}`,
      };
      return undefined;
    }
    const bytes = this.window.peek(0, Math.min(left, this.window.available, READ_BYTES));
    this.window.skip(bytes.length);
    return bytes;
  }

  /** The first bytes that are not read yet, which stay there. */
  async peek(count: number): Promise<Buffer> {
    const wanted = Math.min(count, this.end - this.window.position);
    await this.window.fill(wanted);
    return this.window.peek(0, wanted);
  }

  /** Goes forward to an offset of the member. */
  async skipTo(offset: number): Promise<void> {
    await this.window.skipStream(Math.min(offset, this.end - this.start) - this.position);
  }

  /** What is left of the member is passed by whoever walks the archive. */
  async close(): Promise<void> {}
}
