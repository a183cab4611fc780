/**
 * Encodes a text that comes in parts, with the ids of the whole, holding no more of it than a pre-token needs.
 *
 * A part is encoded as far as nothing that follows can change it: the scanners say so (see `scan/scanner.ts`); specials that
 * may begin at its end wait; what is normalized is divided where a character neither composes with the one before it nor
 * lets marks pass. Where nothing can be said before the end of the text (a pattern that is a regular expression, added
 * tokens that take in their surroundings or stand in normalized text) everything waits.
 */
import { ByteSource } from './bpe/source.js';
import type { PieceEncoder } from './bpe/encoder.js';
import type { TokenBuffer } from './bpe/token-buffer.js';
import type { TokenizerModel } from './model.js';
import { toFormC } from './normalize.js';
import { PADDING } from './scan/scanner.js';
import type { Segmenter } from './segments.js';

/** Bytes that are gathered before they are encoded, if the caller does not say. */
const PART_BYTES = 1 << 16;

/** Bytes at the front of a list that grows. */
class Pending {
  bytes = new Uint8Array(2 * PART_BYTES);
  length = 0;

  append(part: Uint8Array): void {
    const needed = this.length + part.length + PADDING;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(part, this.length);
    this.length += part.length;
  }

  drop(count: number): void {
    this.bytes.copyWithin(0, count, this.length);
    this.length -= count;
  }

  get content(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

export class StreamEncoder {
  private readonly encoder: PieceEncoder;
  private readonly segmenter: Segmenter;
  private readonly model: TokenizerModel;
  private readonly waits: boolean;
  /** The text as it came, as far as specials in it are not decided. */
  private readonly raw = new Pending();
  /** Text of the stretch at hand, in the form in which it is encoded. */
  private readonly text = new Pending();
  /** The text is encoded when it has this many bytes: twice what was left the last time. */
  private enough: number;
  private atStart = true;
  /** A high surrogate at the end of a string, which the next one may complete. */
  private surrogate = '';

  private readonly partBytes: number;

  /** @param partBytes bytes that are gathered before they are encoded */
  constructor(
    encoder: PieceEncoder,
    segmenter: Segmenter,
    model: TokenizerModel,
    partBytes: number = PART_BYTES,
  ) {
    this.partBytes = partBytes;
    this.enough = partBytes;
    this.encoder = encoder;
    this.segmenter = segmenter;
    this.model = model;
    this.waits = !segmenter.streams || typeof model.pattern !== 'string';
  }

  /** Appends to `output` the ids that are certain with this part of the text. */
  push(part: string | Uint8Array, output: TokenBuffer): void {
    this.raw.append(typeof part === 'string' ? this.utf8(part) : part);
    if (this.waits || this.raw.length < this.partBytes) return;
    const { finder } = this.segmenter;
    if (finder !== undefined) {
      const { content } = this.raw;
      const behind = finder.split(
        content,
        (start, end) => this.endStretch(content.subarray(start, end), output),
        (id, start) => {
          // A special right at the front of what is pending ends the stretch before it.
          if (start === 0) this.endStretch(content.subarray(0, 0), output);
          output.push(id);
        },
        false,
      );
      this.raw.drop(behind);
    }
    const heldBack = finder === undefined ? 0 : finder.longest - 1;
    let certain = Math.max(0, this.raw.length - heldBack);
    if (this.model.nfc) certain = boundaryBefore(this.raw.bytes, certain);
    this.addText(this.raw.bytes.subarray(0, certain));
    this.raw.drop(certain);
    this.encodeCertain(output);
  }

  /** Appends the ids of all that is left. The encoder is ready for another text then. */
  end(output: TokenBuffer): void {
    if (this.surrogate !== '') this.raw.append(Buffer.from(this.surrogate));
    this.surrogate = '';
    if (this.waits) {
      this.segmenter.visit(this.raw.content, {
        onText: (text) => this.encoder.encode(new ByteSource(asBytes(text)), output),
        onSpecial: (id) => output.push(id),
      });
    } else if (this.segmenter.finder === undefined) {
      this.endStretch(this.raw.content, output);
    } else {
      const { content } = this.raw;
      let ended = false;
      this.segmenter.finder.split(
        content,
        (start, end) => {
          this.endStretch(content.subarray(start, end), output);
          ended = true;
        },
        (id) => {
          if (!ended) this.endStretch(content.subarray(0, 0), output);
          ended = true;
          output.push(id);
        },
      );
      if (!ended) this.endStretch(content.subarray(0, 0), output);
    }
    this.raw.length = 0;
    this.atStart = true;
  }

  private utf8(part: string): Uint8Array {
    let text = this.surrogate + part;
    const last = text.charCodeAt(text.length - 1);
    this.surrogate = last >= 0xd800 && last < 0xdc00 ? text.slice(-1) : '';
    if (this.surrogate !== '') text = text.slice(0, -1);
    return Buffer.from(text);
  }

  private addText(part: Uint8Array): void {
    if (part.length === 0) return;
    const text = this.model.nfc ? asBytes(toFormC(part)) : part;
    if (this.atStart && this.model.prefixSpace === true && text[0] !== 0x20)
      this.text.append(Uint8Array.of(0x20));
    this.atStart = false;
    this.text.append(text);
  }

  private encodeCertain(output: TokenBuffer): void {
    if (this.text.length < this.enough) return;
    this.text.drop(this.encoder.encodePart(this.text.bytes, this.text.length, output));
    this.enough = Math.max(this.partBytes, 2 * this.text.length);
  }

  /** Encodes a stretch to its end: what is pending of it, and `rest`. */
  private endStretch(rest: Uint8Array, output: TokenBuffer): void {
    this.addText(rest);
    if (this.text.length > 0) this.encoder.encode(new ByteSource(this.text.content), output);
    this.text.length = 0;
    this.enough = this.partBytes;
    this.atStart = true;
  }
}

function asBytes(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? Buffer.from(text) : text;
}

/**
 * The last place up to `end` where text may be divided and normalized in parts: before ASCII, or before an ideograph from
 * U+5000 to U+8FFF. Neither changes in form C nor composes with what stands before.
 */
function boundaryBefore(bytes: Uint8Array, end: number): number {
  let at = end - 1;
  while (at > 0 && bytes[at] >= 0x80 && (bytes[at] < 0xe5 || bytes[at] > 0xe8)) at -= 1;
  return Math.max(0, at);
}
