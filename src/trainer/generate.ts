/**
 * Text from a model: the prompt goes through the model once, then one token after the other is chosen and appended.
 * Same prompt, settings and seed give the same text.
 */
import { TokenmillError } from '../core/errors.js';
import { Random } from '../core/random.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { BatchInference, InferenceProgram } from './programs/inference.js';
import { penalized, sampleToken, type SamplingOptions } from './sampling.js';
import { StopFilter } from './stop-filter.js';

export interface GenerateOptions extends SamplingOptions {
  /** Tokens to generate at most; the model's context ends it earlier. */
  readonly maxTokens: number;
  readonly seed: number;
  /** The text ends before the first of these that it has; none of them is empty. */
  readonly stop?: readonly string[];
}

export type EndOfGeneration = 'stop' | 'length';

/** A token that was chosen. */
export interface ChosenToken {
  readonly id: number;
  /** What it was chosen from, of the tokens of the vocabulary; valid until the next token is asked for. */
  readonly logits: Float32Array;
}

/**
 * Continues a prompt, or begins a document where it is empty. Yields the text in pieces as whole characters appear,
 * up to end-of-text, a stop string, `maxTokens` or the end of the model's context.
 * @throws TokenmillError USAGE for an empty prompt where the tokenizer has no end-of-text token, MODEL_INVALID where the
 *   prompt is longer than the model's context, ENGINE_FAILED
 */
export async function* generate(
  program: InferenceProgram,
  tokenizer: Tokenizer,
  prompt: string,
  options: GenerateOptions,
): AsyncGenerator<string> {
  const ids = Int32Array.from(promptIds(tokenizer, prompt));
  const writer = new TextWriter(tokenizer, options.stop);
  program.reset();
  const logits = await program.prefill(ids);
  const room = Math.min(options.maxTokens, program.context - ids.length);
  for await (const { id } of continueTokens(program, tokenizer, ids, logits, room, options)) {
    const text = writer.push(id);
    if (text !== '') yield text;
    if (writer.stopped) return;
  }
  const rest = writer.end();
  if (rest !== '') yield rest;
}

/** A piece of the text that continues prompt `index`; `end` is set in its last one. */
export interface BatchPiece {
  readonly index: number;
  readonly text: string;
  readonly end?: EndOfGeneration;
}

/**
 * Continues several prompts at once, as many as the program has sequences. Text `index` is what `generate` gives with the
 * seed `options.seed + index`, whatever the others are, up to the last bits of the logits.
 * @throws as `generate`
 */
export async function* generateBatch(
  program: BatchInference,
  tokenizer: Tokenizer,
  prompts: readonly string[],
  options: GenerateOptions,
): AsyncGenerator<BatchPiece> {
  program.reset();
  const texts = prompts.map((prompt, index) => ({
    ids: Int32Array.from(promptIds(tokenizer, prompt)),
    writer: new TextWriter(tokenizer, options.stop),
    chooser: new Chooser(tokenizer, options, (options.seed + index) >>> 0),
    made: 0,
    done: false,
  }));
  for (const { ids, chooser } of texts) chooser.remember(ids);
  const room = texts.map(({ ids }) => Math.min(options.maxTokens, program.context - ids.length));
  let next = texts.map(({ ids }) => ids);
  while (texts.some(({ done }) => !done)) {
    const logits = await program.append(next);
    next = texts.map(() => new Int32Array(0));
    for (const [index, text] of texts.entries()) {
      if (text.done) continue;
      const id = text.made < room[index] ? text.chooser.choose(logits[index]) : undefined;
      const piece = id === undefined || id === null ? '' : text.writer.push(id);
      text.made += 1;
      const full = text.made >= room[index];
      text.done = id === undefined || id === null || text.writer.stopped || full;
      if (!text.done) next[index] = Int32Array.of(id as number);
      if (text.done) {
        const end = id === null || text.writer.stopped ? 'stop' : 'length';
        yield { index, text: piece + text.writer.end(), end };
      } else if (piece !== '') yield { index, text: piece };
    }
  }
}

/** Text of tokens, cut at stop strings. */
class TextWriter {
  private readonly decoder: ReturnType<Tokenizer['streamDecoder']>;
  private readonly filter: StopFilter;

  constructor(tokenizer: Tokenizer, stop: readonly string[] = []) {
    this.decoder = tokenizer.streamDecoder();
    this.filter = new StopFilter(stop);
  }

  get stopped(): boolean {
    return this.filter.stopped;
  }

  push(id: number): string {
    return this.filter.push(this.decoder.push(id));
  }

  end(): string {
    return this.stopped ? '' : this.filter.push(this.decoder.end()) + this.filter.end();
  }
}

/** Chooses the tokens of one text. */
class Chooser {
  private readonly tokenizer: Pick<Tokenizer, 'vocabSize' | 'endOfTextId'>;
  private readonly options: SamplingOptions;
  private readonly random: Random;
  private readonly seen = new Set<number>();

  constructor(
    tokenizer: Pick<Tokenizer, 'vocabSize' | 'endOfTextId'>,
    options: SamplingOptions,
    seed: number,
  ) {
    this.tokenizer = tokenizer;
    this.options = options;
    this.random = new Random(seed);
  }

  remember(ids: Iterable<number>): void {
    for (const id of ids) this.seen.add(id);
  }

  /** Null for end-of-text. */
  choose(logits: Float32Array): number | null {
    const usable = usableLogits(logits, this.tokenizer);
    const id = sampleToken(penalized(usable, this.seen, this.options), this.options, this.random);
    this.seen.add(id);
    return id === this.tokenizer.endOfTextId ? null : id;
  }
}

/** A model may have more rows than the tokenizer has tokens; they are padding. */
function usableLogits(logits: Float32Array, { vocabSize }: Pick<Tokenizer, 'vocabSize'>): Float32Array {
  return logits.subarray(0, vocabSize);
}

/**
 * Goes on behind what the program has taken in, `prompt`, whose last logits are given, for `room` tokens at most.
 * End-of-text is not among them; the result says whether it ended the text.
 */
export async function* continueTokens(
  program: Pick<InferenceProgram, 'next'>,
  tokenizer: Pick<Tokenizer, 'vocabSize' | 'endOfTextId'>,
  prompt: Iterable<number>,
  logits: Float32Array,
  room: number,
  options: SamplingOptions & { readonly seed: number },
): AsyncGenerator<ChosenToken, EndOfGeneration> {
  const chooser = new Chooser(tokenizer, options, options.seed);
  chooser.remember(prompt);
  let last = logits;
  for (let made = 0; made < room; made++) {
    const id = chooser.choose(last);
    if (id === null) return 'stop';
    yield { id, logits: usableLogits(last, tokenizer) };
    if (made + 1 < room) last = await program.next(id);
  }
  return 'length';
}

/**
 * Ids of a prompt. Every document in training follows an end-of-text token, so one stands for "nothing yet".
 * @throws TokenmillError USAGE
 */
export function promptIds(tokenizer: Tokenizer, prompt: string): Iterable<number> {
  if (prompt !== '') return tokenizer.encode(prompt);
  if (tokenizer.endOfTextId !== null) return [tokenizer.endOfTextId];
  throw new TokenmillError(
    'USAGE',
    'the prompt is empty, and the tokenizer has no token to begin a text with',
    {
      hint: 'give the text that the model is to continue',
    },
  );
}
