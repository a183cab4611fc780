/** Text from tokens that come one after another: a character whose bytes are not complete yet is held back. */
import { TokenmillError } from '../core/errors.js';
import { tokenBytes, type Vocabulary } from './vocabulary.js';

export class StreamDecoder {
  private readonly vocabulary: Vocabulary;
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
  }

  /** Text that became complete with this token; may be empty. Bytes that are not UTF-8 become U+FFFD. @throws as `decode` */
  push(id: number): string {
    const { offsets } = this.vocabulary;
    if (!(id >= 0 && id < offsets.length - 1 && Number.isInteger(id))) {
      throw new TokenmillError('INPUT_CORRUPT', `${id} is not an id below ${offsets.length - 1}`);
    }
    return this.decoder.decode(tokenBytes(this.vocabulary, id), { stream: true });
  }

  /** What is left at the end: U+FFFD for an incomplete character. */
  end(): string {
    return this.decoder.decode();
  }
}
