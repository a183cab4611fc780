/** One text out of a model that is loaded, as the events of `messages.ts`. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TokenmillError } from '../../core/errors.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { continueTokens, promptIds } from '../../trainer/generate.js';
import { logProbability, topLogProbabilities } from '../../trainer/log-probabilities.js';
import type { InferenceProgram } from '../../trainer/programs/inference.js';
import type { SequenceEvent, SequenceRequest, TokenInfo } from './messages.js';

/**
 * Ends with an `end`, at the latest one token after the signal is aborted.
 * @throws TokenmillError USAGE for an empty prompt or ids that are none, MODEL_INVALID for one longer than the context
 */
export async function* runSequence(
  program: InferenceProgram,
  tokenizer: Tokenizer,
  request: SequenceRequest,
  signal: AbortSignal,
): AsyncGenerator<SequenceEvent> {
  const ids = idsOf(request.prompt, tokenizer);
  const describe = (id: number, logits: Float32Array | null): TokenInfo => ({
    token: tokenizer.decodeText([id]),
    ...probabilities(id, logits, request.logProbabilities, tokenizer),
  });
  program.reset();
  const shown: TokenInfo[] = [];
  let logits: Float32Array;
  if (request.echo && request.logProbabilities !== null) {
    // One at a time, because a prompt that is run at once gives logits after its last token only.
    logits = await program.prefill(ids.subarray(0, 1));
    shown.push(describe(ids[0], null));
    for (const id of ids.subarray(1)) {
      shown.push(describe(id, logits.subarray(0, tokenizer.vocabSize)));
      logits = await program.next(id);
      await nextTurn();
      if (signal.aborted) break;
    }
  } else {
    logits = await program.prefill(ids);
    if (request.echo) for (const id of ids) shown.push(describe(id, null));
  }
  const text = typeof request.prompt === 'string' ? request.prompt : tokenizer.decodeText(ids);
  yield {
    type: 'begin',
    promptTokens: ids.length,
    prompt: request.echo ? { text, tokens: shown } : null,
  };
  const decoder = tokenizer.streamDecoder();
  const room = Math.min(request.maxTokens, program.context - ids.length);
  const tokens = continueTokens(program, tokenizer, ids, logits, room, request);
  for (;;) {
    // The engine blocks its thread: an order to stop is seen here.
    await nextTurn();
    if (signal.aborted) {
      yield { type: 'end', reason: 'cancelled', rest: decoder.end() };
      return;
    }
    const { done, value } = await tokens.next();
    if (done === true) {
      yield { type: 'end', reason: value, rest: decoder.end() };
      return;
    }
    yield { type: 'token', text: decoder.push(value.id), info: describe(value.id, value.logits) };
  }
}

function idsOf(prompt: string | readonly number[], tokenizer: Tokenizer): Int32Array {
  const ids = Int32Array.from(
    typeof prompt === 'string' || prompt.length === 0 ? promptIds(tokenizer, prompt.toString()) : prompt,
  );
  const wrong = ids.find((id) => id < 0 || id >= tokenizer.vocabSize);
  if (wrong === undefined) return ids;
  throw new TokenmillError(
    'USAGE',
    `the prompt has the token ${wrong}; the model has ${tokenizer.vocabSize} tokens`,
  );
}

function probabilities(
  id: number,
  logits: Float32Array | null,
  count: number | null,
  tokenizer: Tokenizer,
): Pick<TokenInfo, 'logProbability' | 'top'> {
  if (count === null || logits === null) return { logProbability: null, top: null };
  const top = topLogProbabilities(logits, count).map(
    (entry) => [tokenizer.decodeText([entry.id]), entry.logProbability] as const,
  );
  return { logProbability: logProbability(logits, id), top };
}
