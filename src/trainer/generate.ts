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
  const random = new Random(options.seed);
  const decoder = tokenizer.streamDecoder();
  program.reset();
  const room = Math.min(options.maxTokens, program.context - ids.length);
  let logits = await program.prefill(ids);
  for (let made = 0; made < room; made++) {
    // A model may have more rows than the tokenizer has tokens; they are padding.
    const id = sampleToken(logits.subarray(0, tokenizer.vocabSize), options, random);
    if (id === tokenizer.endOfTextId) break;
    const text = decoder.push(id);
    if (text !== '') yield text;
    if (made + 1 < room) logits = await program.next(id);
  }
  const rest = decoder.end();
  if (rest !== '') yield rest;
}

/** Every document in training follows an end-of-text token, so one stands for "nothing yet". */
function promptIds(tokenizer: Tokenizer, prompt: string): Iterable<number> {
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
