/**
 * Completions as OpenAI's API has them (platform.openai.com/docs/api-reference/completions): what can be asked for, and
 * the answer, whole or in chunks. What the API has and a model here cannot do is refused with its name, never ignored.
 */
import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { TokenmillError } from '../../core/errors.js';
import type { GenerationPool } from './pool.js';
import { generateText, type PlacedToken, type TextEnd, type TextPiece, type TextRequest } from './text.js';

/** Of one text. */
export const MAX_TOKENS = 4_096;
const MAX_PROMPTS = 128;
const MAX_CHOICES = 128;
const MAX_PROMPT_LENGTH = 1_000_000;
/** As many as OpenAI takes. */
const MAX_STOPS = 4;
const MAX_STOP_LENGTH = 200;
const MAX_TOP = 5;
export const MAX_PENALTY = 10;

const tokenIds = z.array(z.int().min(0).max(0x7fff_ffff)).min(1).max(MAX_PROMPT_LENGTH);
const promptText = z.string().max(MAX_PROMPT_LENGTH);

export const stopSchema = z.union([
  z.string().min(1).max(MAX_STOP_LENGTH),
  z.array(z.string().min(1).max(MAX_STOP_LENGTH)).max(MAX_STOPS),
]);

export const completionRequestSchema = z.strictObject({
  model: z.string().min(1).max(64).describe('name of a model, see /v1/models'),
  prompt: z
    .union([
      promptText,
      z.array(promptText).min(1).max(MAX_PROMPTS),
      tokenIds,
      z.array(tokenIds).min(1).max(MAX_PROMPTS),
    ])
    .nullish()
    .describe('a text, several, the ids of its tokens, or several of those; none begins a document'),
  max_tokens: z.int().min(0).max(MAX_TOKENS).nullish().describe('16 where it is left out'),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .nullish()
    .describe('1 where it is left out; 0 takes the likeliest token'),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(1).nullish().describe('an extension: choose among so many of the likeliest tokens'),
  min_p: z
    .number()
    .min(0)
    .max(1)
    .nullish()
    .describe('an extension: choose among tokens that are so many times as likely as the likeliest'),
  repetition_penalty: z
    .number()
    .gt(0)
    .max(MAX_PENALTY)
    .nullish()
    .describe('an extension: above 1 tokens that the text has already become less likely'),
  n: z.int().min(1).max(MAX_CHOICES).nullish().describe('texts for each prompt'),
  seed: z.int().nullish().describe('same seed, same texts; a random one where it is left out'),
  stop: stopSchema.nullish(),
  echo: z.boolean().nullish().describe('give the prompt before its continuation'),
  logprobs: z
    .int()
    .min(0)
    .max(MAX_TOP)
    .nullish()
    .describe('ln p of each token and of so many of the likeliest'),
  stream: z.boolean().nullish().describe('server-sent events, one a piece of text, then [DONE]'),
  stream_options: z.strictObject({ include_usage: z.boolean().nullish() }).nullish(),
  user: z.string().max(1_000).nullish().describe('taken and not used'),
  best_of: z.int().nullish().describe('only where it is n'),
  frequency_penalty: z.number().nullish().describe('only 0'),
  presence_penalty: z.number().nullish().describe('only 0'),
  logit_bias: z.record(z.string(), z.number()).nullish().describe('only empty'),
  suffix: z.string().nullish().describe('only empty'),
});

export type CompletionRequest = z.output<typeof completionRequestSchema>;

const logprobsSchema = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable()),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
  text_offset: z.array(z.int()),
});

const usageSchema = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
});

export const completionSchema = z.object({
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.int().describe('seconds since 1970'),
  model: z.string(),
  choices: z.array(
    z.object({
      text: z.string(),
      index: z.int(),
      logprobs: logprobsSchema.nullable(),
      finish_reason: z.enum(['stop', 'length']).nullable().describe('null in a chunk that is not the last'),
    }),
  ),
  usage: usageSchema.nullish(),
});

export type Completion = z.output<typeof completionSchema>;
type Choice = Completion['choices'][number];

/** The texts that a request asks for, in the order of their choices. @throws TokenmillError USAGE */
export function textsOf(request: CompletionRequest, randomSeed: number): TextRequest[] {
  checkSupported(request);
  const prompts = promptsOf(request.prompt);
  const n = request.n ?? 1;
  if (prompts.length * n > MAX_CHOICES) {
    throw new TokenmillError(
      'USAGE',
      `${prompts.length} prompts with n ${n} are more than ${MAX_CHOICES} texts`,
    );
  }
  const { stop } = request;
  const seed = request.seed ?? randomSeed;
  return prompts.flatMap((prompt, place) =>
    Array.from({ length: n }, (_, choice): TextRequest => ({
      run: request.model,
      prompt,
      maxTokens: request.max_tokens ?? 16,
      temperature: request.temperature ?? 1,
      topP: request.top_p ?? 1,
      topK: request.top_k ?? null,
      minP: request.min_p ?? 0,
      repetitionPenalty: request.repetition_penalty ?? 1,
      // Texts of one request differ, and the whole repeats.
      seed: (seed + place * n + choice) >>> 0,
      logProbabilities: request.logprobs ?? null,
      echo: request.echo ?? false,
      stop: stop === undefined || stop === null ? [] : typeof stop === 'string' ? [stop] : stop,
    })),
  );
}

function promptsOf(prompt: CompletionRequest['prompt']): (string | readonly number[])[] {
  if (prompt === undefined || prompt === null) return [''];
  if (typeof prompt === 'string') return [prompt];
  return typeof prompt[0] === 'number' ? [prompt as number[]] : (prompt as string[] | number[][]);
}

function checkSupported(request: CompletionRequest): void {
  const { best_of: bestOf, n, logit_bias: bias, suffix } = request;
  const refused: [string, boolean, string][] = [
    ['best_of', bestOf !== undefined && bestOf !== null && bestOf !== (n ?? 1), 'ask for n texts and choose'],
    ['frequency_penalty', (request.frequency_penalty ?? 0) !== 0, 'leave it out or give 0'],
    ['presence_penalty', (request.presence_penalty ?? 0) !== 0, 'leave it out or give 0'],
    ['logit_bias', Object.keys(bias ?? {}).length > 0, 'leave it out'],
    ['suffix', (suffix ?? '') !== '', 'leave it out: models here continue a text'],
    [
      'stream_options',
      (request.stream_options ?? null) !== null && request.stream !== true,
      'they are for stream: true',
    ],
  ];
  for (const [name, applies, hint] of refused) {
    if (applies) throw new TokenmillError('USAGE', `${name} is not supported with this value`, { hint });
  }
}

/** What all chunks of an answer have in common. */
function envelope(model: string): Pick<Completion, 'id' | 'object' | 'created' | 'model'> {
  return {
    id: `cmpl-${randomUUID()}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model,
  };
}

/** The whole answer. @throws as `generateText` */
export async function complete(
  pool: GenerationPool,
  request: CompletionRequest,
  texts: readonly TextRequest[],
  signal: AbortSignal,
): Promise<Completion> {
  const choices: Choice[] = [];
  const ends: TextEnd[] = [];
  for (const [index, text] of texts.entries()) {
    let whole = '';
    const tokens: PlacedToken[] = [];
    const pieces = generateText(pool, text, signal);
    for (;;) {
      const { done, value } = await pieces.next();
      if (done === true) {
        ends.push(value);
        choices.push({
          text: whole,
          index,
          logprobs: logprobsOf(tokens, text),
          finish_reason: finishOf(value),
        });
        break;
      }
      whole += value.text;
      tokens.push(...value.tokens);
    }
  }
  return { ...envelope(request.model), choices, usage: usageOf(request, ends) };
}

/** The answer in chunks: pieces of one choice after the other, then usage where it is asked for. */
export async function* completeInChunks(
  pool: GenerationPool,
  request: CompletionRequest,
  texts: readonly TextRequest[],
  signal: AbortSignal,
): AsyncGenerator<Completion> {
  const shared = envelope(request.model);
  const withUsage = request.stream_options?.include_usage === true;
  const chunk = (choices: Choice[]): Completion => ({
    ...shared,
    choices,
    ...(withUsage ? { usage: null } : {}),
  });
  const ends: TextEnd[] = [];
  for (const [index, text] of texts.entries()) {
    const pieces = async function* (): AsyncGenerator<TextPiece> {
      ends.push(yield* generateText(pool, text, signal));
    };
    for await (const piece of pieces()) {
      const logprobs = logprobsOf(piece.tokens, text);
      yield chunk([{ text: piece.text, index, logprobs, finish_reason: null }]);
    }
    yield chunk([{ text: '', index, logprobs: null, finish_reason: finishOf(ends[index]) }]);
  }
  if (withUsage) yield { ...shared, choices: [], usage: usageOf(request, ends) };
}

/** The API has no word for a text that took too long: to a client it is as one that was cut at a length. */
function finishOf({ reason }: TextEnd): 'stop' | 'length' {
  return reason === 'stop' ? 'stop' : 'length';
}

function logprobsOf(tokens: readonly PlacedToken[], request: TextRequest): Choice['logprobs'] {
  if (request.logProbabilities === null) return null;
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logProbability }) => logProbability),
    top_logprobs: tokens.map(({ top, token, logProbability }) =>
      top === null || logProbability === null ? null : Object.fromEntries([...top, [token, logProbability]]),
    ),
    text_offset: tokens.map(({ offset }) => offset),
  };
}

/** A prompt counts once, however many texts continue it. */
function usageOf(request: CompletionRequest, ends: readonly TextEnd[]): z.output<typeof usageSchema> {
  const firsts = ends.filter((_, index) => index % (request.n ?? 1) === 0);
  const promptTokens = firsts.reduce((sum, end) => sum + end.promptTokens, 0);
  const completionTokens = ends.reduce((sum, end) => sum + end.completionTokens, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
