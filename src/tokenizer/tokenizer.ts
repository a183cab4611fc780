/**
 * A tokenizer: text to ids and back.
 *
 * Text is a string or UTF-8. Bytes that are not UTF-8 are kept: each counts as a symbol, and `decode` gives them back, so
 * `decode(encode(bytes))` is `bytes` (except where the model normalizes). In strings a lone surrogate is U+FFFD.
 */
import { TokenmillError } from '../core/errors.js';
import { Encoder, type PieceEncoder } from './bpe/encoder.js';
import { ByteSource, StringSource, type TextSource } from './bpe/source.js';
import { TokenBuffer } from './bpe/token-buffer.js';
import { StreamDecoder } from './decoder.js';
import { endOfTextId, modelSha256, type TokenizerModel } from './model.js';
import { toFormC } from './normalize.js';
import { patternName } from './patterns.js';
import { SpecialFinder } from './specials.js';
import { tokenBytes, vocabularySize } from './vocabulary.js';
import { WasmEncoder } from './wasm/encoder.js';

export interface EncodeOptions {
  /**
   * Which specials in the text become their token: all, none, or these. The others are ordinary text, so that a document
   * cannot forge a control token. Default: none.
   */
  readonly allowedSpecial?: 'all' | 'none' | readonly string[];
}

export class Tokenizer {
  readonly model: TokenizerModel;
  /** One more than the largest id: the number of rows of an embedding. */
  readonly vocabSize: number;
  /** Id of the token that ends a document, null where there is none. */
  readonly endOfTextId: number | null;
  /** SHA-256 of the content, independent of the file it came from. */
  readonly sha256: string;
  private readonly encoder: PieceEncoder;
  private readonly scratch = new TokenBuffer();
  private finders = new Map<string, SpecialFinder>();

  /**
   * @param engine WebAssembly where it can be used, or TypeScript in any case; the ids are the same
   * @throws TokenmillError TOKENIZER_INVALID where the vocabulary lacks a byte or the pattern cannot be used
   */
  constructor(model: TokenizerModel, engine: 'auto' | 'typescript' = 'auto') {
    this.model = model;
    this.vocabSize = vocabularySize(model.vocabulary);
    this.endOfTextId = endOfTextId(model);
    this.sha256 = modelSha256(model);
    this.encoder = (engine === 'typescript' ? null : WasmEncoder.create(model)) ?? Encoder.create(model);
  }

  /** Specials by their text. */
  get specials(): ReadonlyMap<string, number> {
    return this.model.specials;
  }

  /** What encoding runs in. */
  get engine(): 'wasm' | 'typescript' {
    return this.encoder.engine;
  }

  /** Name of the pre-tokenization pattern, or its regular expression. */
  get pattern(): string {
    return patternName(this.model.pattern);
  }

  /** @throws TokenmillError USAGE where `allowedSpecial` names what is no special */
  encode(text: string | Uint8Array, options: EncodeOptions = {}): Uint32Array<ArrayBuffer> {
    this.scratch.length = 0;
    this.encodeInto(text, this.scratch, options);
    return this.scratch.toArray();
  }

  /** Appends the ids of a text to `output`. @throws as `encode` */
  encodeInto(text: string | Uint8Array, output: TokenBuffer, options: EncodeOptions = {}): void {
    const finder = this.finderFor(options.allowedSpecial ?? 'none');
    if (finder === undefined) {
      this.encodeOrdinary(text, output);
      return;
    }
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    finder.split(
      bytes,
      (start, end) => this.encodeOrdinary(bytes.subarray(start, end), output),
      (id) => output.push(id),
    );
  }

  /** Number of ids of a text. */
  count(text: string | Uint8Array, options: EncodeOptions = {}): number {
    const finder = this.finderFor(options.allowedSpecial ?? 'none');
    if (finder === undefined) return this.encoder.count(this.sourceOf(text));
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    let count = 0;
    finder.split(
      bytes,
      (start, end) => {
        count += this.encoder.count(this.sourceOf(bytes.subarray(start, end)));
      },
      () => {
        count += 1;
      },
    );
    return count;
  }

  /** The bytes of ids, those of specials included. @throws TokenmillError INPUT_CORRUPT for what is no id */
  decode(ids: ArrayLike<number>): Uint8Array<ArrayBuffer> {
    const { vocabulary } = this.model;
    const { offsets } = vocabulary;
    let length = 0;
    for (let index = 0; index < ids.length; index++) {
      const id = ids[index];
      if (!(id >= 0 && id < this.vocabSize && Number.isInteger(id))) {
        throw new TokenmillError(
          'INPUT_CORRUPT',
          `element ${index}, ${id}, is not an id below ${this.vocabSize}`,
        );
      }
      length += offsets[id + 1] - offsets[id];
    }
    const bytes = new Uint8Array(length);
    let position = 0;
    for (let index = 0; index < ids.length; index++) {
      const token = tokenBytes(vocabulary, ids[index]);
      bytes.set(token, position);
      position += token.length;
    }
    return bytes;
  }

  /** The text of ids; bytes that are not UTF-8 become U+FFFD. @throws as `decode` */
  decodeText(ids: ArrayLike<number>): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.decode(ids));
  }

  streamDecoder(): StreamDecoder {
    return new StreamDecoder(this.model.vocabulary);
  }

  private encodeOrdinary(text: string | Uint8Array, output: TokenBuffer): void {
    this.encoder.encode(this.sourceOf(text), output);
  }

  private sourceOf(text: string | Uint8Array): TextSource {
    const input = this.model.nfc ? toFormC(text) : text;
    return typeof input === 'string' ? new StringSource(input) : new ByteSource(input);
  }

  private finderFor(allowed: 'all' | 'none' | readonly string[]): SpecialFinder | undefined {
    const names = allowed === 'all' ? [...this.specials.keys()] : allowed === 'none' ? [] : allowed;
    if (names.length === 0) return undefined;
    const key = allowed === 'all' ? '' : JSON.stringify(names);
    let finder = this.finders.get(key);
    if (finder === undefined) {
      const chosen = names.map((name): [string, number] => {
        const id = this.specials.get(name);
        if (id !== undefined) return [name, id];
        throw new TokenmillError('USAGE', `${JSON.stringify(name)} is not a special token`, {
          hint: `the specials are ${[...this.specials.keys()].map((text) => JSON.stringify(text)).join(', ')}`,
        });
      });
      finder = new SpecialFinder(new Map(chosen));
      this.finders.set(key, finder);
    }
    return finder;
  }
}
