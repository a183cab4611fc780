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
import { patternName } from './patterns.js';
import { Segmenter } from './segments.js';
import { StreamEncoder } from './stream-encoder.js';
import { tokenBytes, vocabularySize } from './vocabulary.js';
import { WasmEncoder } from './wasm/encoder.js';

export interface EncodeOptions {
  /**
   * Which specials in the text become their token: all, none, or these. The others are ordinary text, so that a document
   * cannot forge a control token. Default: none.
   */
  readonly allowedSpecial?: 'all' | 'none' | readonly string[];
  /** Which specials the text must not have: all that are not allowed, or these. Default: none. */
  readonly disallowedSpecial?: 'all' | 'none' | readonly string[];
}

export interface StreamOptions {
  /** As in `EncodeOptions`. */
  readonly allowedSpecial?: 'all' | 'none' | readonly string[];
  /** Bytes that are gathered before they are encoded. Default: 65,536. */
  readonly partBytes?: number;
}

export interface Encoding {
  readonly ids: Uint32Array<ArrayBuffer>;
  /**
   * Token `i` is the bytes `[starts[i], ends[i])` of the text in UTF-8. Where the model normalizes they are those of the
   * text that it made between two specials.
   */
  readonly starts: Uint32Array<ArrayBuffer>;
  readonly ends: Uint32Array<ArrayBuffer>;
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
  private readonly segmenters = new Map<string, Segmenter>();

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

  /**
   * @throws TokenmillError USAGE where an option names what is no special, INPUT_CORRUPT where the text has a special
   *   that is disallowed
   */
  encode(text: string | Uint8Array, options: EncodeOptions = {}): Uint32Array<ArrayBuffer> {
    this.scratch.length = 0;
    this.encodeInto(text, this.scratch, options);
    return this.scratch.toArray();
  }

  /** Appends the ids of a text to `output`. @throws as `encode` */
  encodeInto(text: string | Uint8Array, output: TokenBuffer, options: EncodeOptions = {}): void {
    this.segmenterFor(text, options).visit(text, {
      onText: (stretch) => this.encoder.encode(sourceOf(stretch), output),
      onSpecial: (id) => output.push(id),
    });
  }

  /** Ids with the bytes of the text that each stands for. @throws as `encode` */
  encodeWithOffsets(text: string | Uint8Array, options: EncodeOptions = {}): Encoding {
    const { offsets } = this.model.vocabulary;
    const output = new TokenBuffer();
    const starts = new TokenBuffer();
    const ends = new TokenBuffer();
    this.segmenterFor(text, options).visit(text, {
      onText: (stretch, start, inserted) => {
        const first = output.length;
        this.encoder.encode(sourceOf(stretch), output);
        let at = start - inserted;
        for (let index = first; index < output.length; index++) {
          const id = output.tokens[index];
          starts.push(Math.max(start, at));
          at += offsets[id + 1] - offsets[id];
          ends.push(Math.max(start, at));
        }
      },
      onSpecial: (id, start, end) => {
        output.push(id);
        starts.push(start);
        ends.push(end);
      },
    });
    return { ids: output.toArray(), starts: starts.toArray(), ends: ends.toArray() };
  }

  /** Number of ids of a text, which are not kept. @throws as `encode` */
  count(text: string | Uint8Array, options: EncodeOptions = {}): number {
    let count = 0;
    this.segmenterFor(text, options).visit(text, {
      onText: (stretch) => {
        count += this.encoder.count(sourceOf(stretch));
      },
      onSpecial: () => {
        count += 1;
      },
    });
    return count;
  }

  /** Encodes a text that comes in parts, with the ids of the whole. @throws as `encode` */
  streamEncoder({ allowedSpecial, partBytes }: StreamOptions = {}): StreamEncoder {
    return new StreamEncoder(this.encoder, this.segmenterOf(allowedSpecial ?? 'none'), this.model, partBytes);
  }

  /** The ids of a text that comes in parts, in parts. @throws as `encode` */
  async *encodeStream(
    parts: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
    options: StreamOptions = {},
  ): AsyncGenerator<Uint32Array<ArrayBuffer>> {
    const encoder = this.streamEncoder(options);
    const output = new TokenBuffer();
    for await (const part of parts) {
      encoder.push(part, output);
      if (output.length === 0) continue;
      yield output.toArray();
      output.length = 0;
    }
    encoder.end(output);
    if (output.length > 0) yield output.toArray();
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

  private segmenterFor(text: string | Uint8Array, options: EncodeOptions): Segmenter {
    const allowed = options.allowedSpecial ?? 'none';
    const disallowed = options.disallowedSpecial ?? 'none';
    if (disallowed !== 'none') {
      const kept = new Set(allowed === 'all' ? this.specials.keys() : allowed === 'none' ? [] : allowed);
      const names = disallowed === 'all' ? [...this.specials.keys()] : disallowed;
      this.refuse(
        text,
        names.filter((name) => disallowed !== 'all' || !kept.has(name)),
      );
    }
    return this.segmenterOf(allowed);
  }

  private refuse(text: string | Uint8Array, names: readonly string[]): void {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    this.segmenterOf(names).finder?.split(
      bytes,
      () => undefined,
      (id, start) => {
        const name = Buffer.from(tokenBytes(this.model.vocabulary, id)).toString();
        throw new TokenmillError(
          'INPUT_CORRUPT',
          `the text has the special token ${JSON.stringify(name)} at byte ${start}`,
          { place: { offset: start }, hint: 'allow it, or do not disallow it: then it is ordinary text' },
        );
      },
    );
  }

  private segmenterOf(allowed: 'all' | 'none' | readonly string[]): Segmenter {
    const names = allowed === 'all' ? [...this.specials.keys()] : allowed === 'none' ? [] : allowed;
    const key = JSON.stringify(names);
    let segmenter = this.segmenters.get(key);
    if (segmenter === undefined) {
      const unknown = names.find((name) => !this.specials.has(name));
      if (unknown !== undefined) {
        throw new TokenmillError('USAGE', `${JSON.stringify(unknown)} is not a special token`, {
          hint: `the specials are ${[...this.specials.keys()].map((text) => JSON.stringify(text)).join(', ')}`,
        });
      }
      segmenter = new Segmenter(this.model, names);
      this.segmenters.set(key, segmenter);
    }
    return segmenter;
  }
}

function sourceOf(text: string | Uint8Array): TextSource {
  return typeof text === 'string' ? new StringSource(text) : new ByteSource(text);
}
