/**
 * Text from a model: the prompt goes through the model once, then one token after the other is chosen and appended.
 * Same prompt, settings and seed give the same text.
 */
import { TokenmillError } from '../core/errors.js';
import { Random } from '../core/random.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { InferenceProgram } from './programs/inference.js';
import { sampleToken, type SamplingOptions } from './sampling.js';

export interface GenerateOptions extends SamplingOptions {
  /** Tokens to generate at most; the model's context ends it earlier. */
  readonly maxTokens: number;
  readonly seed: number;
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
 * up to end-of-text, `maxTokens` or the end of the model's context.
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
  const decoder = tokenizer.streamDecoder();
  program.reset();
  const logits = await program.prefill(ids);
  const room = Math.min(options.maxTokens, program.context - ids.length);
  for await (const { id } of continueTokens(program, tokenizer, logits, room, options)) {
    const text = decoder.push(id);
    if (text !== '') yield text;
  }
  const rest = decoder.end();
  if (rest !== '') yield rest;
}

/**
 * Goes on behind what the program has taken in, whose last logits are given, for `room` tokens at most. End-of-text is
 * not among them; the result says whether it ended the text.
 */
export async function* continueTokens(
  program: Pick<InferenceProgram, 'next'>,
  tokenizer: Pick<Tokenizer, 'vocabSize' | 'endOfTextId'>,
  logits: Float32Array,
  room: number,
  options: SamplingOptions & { readonly seed: number },
): AsyncGenerator<ChosenToken, EndOfGeneration> {
  const random = new Random(options.seed);
  let last = logits;
  for (let made = 0; made < room; made++) {
    // A model may have more rows than the tokenizer has tokens; they are padding.
    const usable = last.subarray(0, tokenizer.vocabSize);
    const id = sampleToken(usable, options, random);
    if (id === tokenizer.endOfTextId) return 'stop';
    yield { id, logits: usable };
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
