/**
 * How a text is divided before it is cut into pre-tokens: specials, the stretches between them in the form in which they
 * are encoded, and specials that are looked for only in that form.
 */
import type { TokenizerModel } from './model.js';
import { toFormC } from './normalize.js';
import { SpecialFinder } from './specials.js';

const SPACE = Uint8Array.of(0x20);

export interface SegmentVisitor {
  /** A stretch without specials; `inserted` bytes at its front are not in the text. */
  onText(text: string | Uint8Array, start: number, inserted: number): void;
  onSpecial(id: number, start: number, end: number): void;
}

export class Segmenter {
  /** Finds specials in the text as it is; undefined where there are none to find, as is the other. */
  readonly finder: SpecialFinder | undefined;
  private readonly normalizedFinder: SpecialFinder | undefined;
  private readonly model: TokenizerModel;

  /** @param names which specials to find */
  constructor(model: TokenizerModel, names: readonly string[]) {
    this.model = model;
    const isNormalized = (name: string): boolean => model.specialRules?.get(name)?.normalized === true;
    const finderOf = (some: readonly string[]): SpecialFinder | undefined =>
      some.length === 0
        ? undefined
        : new SpecialFinder(
            new Map(some.map((name) => [name, model.specials.get(name) as number])),
            model.specialRules,
          );
    this.finder = finderOf(names.filter((name) => !isNormalized(name)));
    this.normalizedFinder = finderOf(names.filter(isNormalized));
  }

  /** Whether the text can be divided before its end is known. */
  get streams(): boolean {
    return this.finder?.hasRules !== true && this.normalizedFinder === undefined;
  }

  /** Visits a text from its beginning to its end. */
  visit(text: string | Uint8Array, visitor: SegmentVisitor): void {
    if (this.finder === undefined) {
      this.visitStretch(text, 0, visitor);
      return;
    }
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    this.finder.split(
      bytes,
      (start, end) => this.visitStretch(bytes.subarray(start, end), start, visitor),
      (id, start, end) => visitor.onSpecial(id, start, end),
    );
  }

  private visitStretch(text: string | Uint8Array, from: number, visitor: SegmentVisitor): void {
    const normal = this.model.nfc ? toFormC(text) : text;
    if (this.normalizedFinder === undefined) {
      this.visitText(normal, from, visitor);
      return;
    }
    const bytes = typeof normal === 'string' ? Buffer.from(normal) : normal;
    this.normalizedFinder.split(
      bytes,
      (start, end) => this.visitText(bytes.subarray(start, end), from + start, visitor),
      (id, start, end) => visitor.onSpecial(id, from + start, from + end),
    );
  }

  private visitText(text: string | Uint8Array, start: number, visitor: SegmentVisitor): void {
    if (this.model.prefixSpace !== true || text.length === 0) {
      visitor.onText(text, start, 0);
      return;
    }
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    if (bytes[0] === SPACE[0]) visitor.onText(bytes, start, 0);
    else visitor.onText(Buffer.concat([SPACE, bytes]), start, 1);
  }
}
