/** `/v1/models/{run}/generate`: text out of a model, whole or as events. */
import { createRoute, z } from '@hono/zod-openapi';
import { scope } from '../access/scope.js';
import type { App, ServerContext } from '../context.js';
import { MAX_PENALTY, MAX_TOKENS, stopSchema } from '../generation/completions.js';
import { generateText, type TextEnd, type TextPiece, type TextRequest } from '../generation/text.js';
import { readModel } from '../runs.js';
import { jsonBody, problems } from '../schemas.js';
import { eventStream, problemEvent, SSE_HEADERS, type ServerSentEvent } from '../sse.js';
import { modelParams } from './models.js';

const generationSchema = z
  .object({
    text: z.string(),
    finish_reason: z
      .enum(['stop', 'length', 'time'])
      .openapi({ description: 'end of text or a stop sequence; max_tokens or the context; the time limit' }),
    usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int() }),
  })
  .openapi('Generation');

const generate = createRoute({
  ...scope('read'),
  method: 'post',
  path: '/v1/models/{run}/generate',
  operationId: 'generate',
  tags: ['models'],
  summary: 'Let a model continue a text',
  description:
    'With stream, server-sent events: `text` {text} as pieces come, then `end` {finish_reason, usage}, or `error` with ' +
    'problem details. The same prompt, settings and seed give the same text.',
  request: {
    params: modelParams,
    body: jsonBody(
      z.strictObject({
        prompt: z.string().max(1_000_000).default('').openapi({ description: 'empty begins a document' }),
        max_tokens: z.int().min(1).max(MAX_TOKENS).default(200),
        temperature: z.number().min(0).max(10).default(0.8),
        top_k: z.int().min(1).optional(),
        top_p: z.number().gt(0).max(1).default(1),
        min_p: z.number().min(0).max(1).default(0),
        repetition_penalty: z.number().gt(0).max(MAX_PENALTY).default(1),
        seed: z.int().min(0).max(0xffff_ffff).default(1),
        stop: stopSchema.default([]),
        checkpoint: z.string().max(32).optional().openapi({ description: 'default: the latest' }),
        stream: z.boolean().default(false),
      }),
    ),
  },
  responses: {
    200: {
      description: 'the text, or events of it',
      content: {
        'application/json': { schema: generationSchema },
        'text/event-stream': { schema: z.string() },
      },
    },
    ...problems(
      'RUN_NOT_FOUND',
      'CHECKPOINT_NOT_FOUND',
      'MODEL_INVALID',
      'TOKENIZER_NOT_FOUND',
      'TOKENIZER_MISMATCH',
      'ENGINE_FAILED',
      'SERVICE_BUSY',
    ),
  },
});

export function generateRoutes(app: App, { workspace, generation, log }: ServerContext): void {
  app.openapi(generate, async (c) => {
    const { stream, stop, top_k: topK, ...body } = c.req.valid('json');
    const { run } = c.req.valid('param');
    await readModel(workspace, run);
    const request: TextRequest = {
      run,
      checkpoint: body.checkpoint,
      prompt: body.prompt,
      maxTokens: body.max_tokens,
      temperature: body.temperature,
      topK: topK ?? null,
      topP: body.top_p,
      minP: body.min_p,
      repetitionPenalty: body.repetition_penalty,
      seed: body.seed,
      logProbabilities: null,
      echo: false,
      stop: typeof stop === 'string' ? [stop] : stop,
    };
    if (!stream) {
      let text = '';
      const pieces = generateText(generation, request, c.req.raw.signal);
      let piece = await pieces.next();
      for (; piece.done !== true; piece = await pieces.next()) text += piece.value.text;
      return c.json({ text, ...endOf(piece.value) }, 200);
    }
    const abort = new AbortController();
    c.req.raw.signal.addEventListener('abort', () => abort.abort());
    const parts = textEvents(generateText(generation, request, abort.signal));
    // What is refused at once is refused with a status.
    const first = await parts.next();
    const events = async function* (): AsyncGenerator<ServerSentEvent> {
      try {
        for (let part = first; part.done !== true; part = await parts.next()) yield part.value;
      } catch (error) {
        yield await problemEvent(error, c, log);
      } finally {
        await parts.return(undefined);
      }
    };
    return c.body(
      eventStream(events(), abort, () => undefined),
      200,
      SSE_HEADERS,
    );
  });
}

/** Pieces of a text as events, then how it ended. Whoever stops reading them ends the work on the text. */
async function* textEvents(pieces: AsyncGenerator<TextPiece, TextEnd>): AsyncGenerator<ServerSentEvent> {
  let end: TextEnd | undefined;
  const texts = async function* (): AsyncGenerator<TextPiece> {
    end = yield* pieces;
  };
  for await (const { text } of texts()) yield { event: 'text', data: JSON.stringify({ text }) };
  if (end !== undefined) yield { event: 'end', data: JSON.stringify(endOf(end)) };
}

function endOf({ reason, promptTokens, completionTokens }: TextEnd): {
  finish_reason: 'stop' | 'length' | 'time';
  usage: { prompt_tokens: number; completion_tokens: number };
} {
  return {
    // Nobody reads the end of a text whose client is gone.
    finish_reason: reason === 'cancelled' ? 'stop' : reason,
    usage: { prompt_tokens: promptTokens, completion_tokens: completionTokens },
  };
}
