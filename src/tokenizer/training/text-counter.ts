/** Counts the pre-tokens of texts, each a document of its own: no pre-token reaches over its end or over a special. */
import { ByteSource, StringSource } from '../bpe/source.js';
import { parsePattern } from '../patterns.js';
import { SpecialFinder } from '../specials.js';
import { PieceCounter } from './piece-counter.js';

/** What decides how texts are counted; plain values, which can be sent to a thread. */
export interface CountOptions {
  /** Name of a pattern or a regular expression. */
  readonly pattern: string;
  readonly specials: readonly string[];
  /** Different pre-tokens to keep; where there are more, the rarest are left out. */
  readonly maxPieces: number;
}

export class TextCounter {
  readonly counter: PieceCounter;
  private readonly finder: SpecialFinder | undefined;

  constructor({ pattern, specials, maxPieces }: CountOptions) {
    this.counter = new PieceCounter(parsePattern(pattern), maxPieces);
    this.finder =
      specials.length > 0 ? new SpecialFinder(new Map(specials.map((text, id) => [text, id]))) : undefined;
  }

  add(text: string | Uint8Array): void {
    const { counter, finder } = this;
    if (finder === undefined) {
      counter.add(typeof text === 'string' ? new StringSource(text) : new ByteSource(text));
      return;
    }
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    finder.split(
      bytes,
      (start, end) => counter.add(new ByteSource(bytes, start, end)),
      () => undefined,
    );
  }
}
