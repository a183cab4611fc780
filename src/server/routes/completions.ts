/** `/v1/completions`: OpenAI's API for the models of the workspace, so that its clients can use them. */
import { randomInt } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { scope } from '../access/scope.js';
import type { App, ServerContext } from '../context.js';
import {
  complete,
  completeInChunks,
  completionRequestSchema,
  completionSchema,
  textsOf,
} from '../generation/completions.js';
import { readModel } from '../runs.js';
import { jsonBody, problems } from '../schemas.js';
import { eventStream, problemEvent, SSE_HEADERS, type ServerSentEvent } from '../sse.js';

const completions = createRoute({
  ...scope('read'),
  method: 'post',
  path: '/v1/completions',
  operationId: 'createCompletion',
  tags: ['models'],
  summary: 'Continue a text, as OpenAI has it',
  description:
    "Request and answer are those of OpenAI's completions. What a model here cannot do (best_of, penalties, logit_bias, " +
    'suffix) is refused. Errors are problem details; in a stream, an event `error` with them ends it.',
  request: { body: jsonBody(completionRequestSchema) },
  responses: {
    200: {
      description: 'the completion; with stream, chunks of it and [DONE]',
      content: {
        'application/json': { schema: completionSchema },
        'text/event-stream': { schema: z.string() },
      },
    },
    ...problems(
      'RUN_NOT_FOUND',
      'MODEL_INVALID',
      'TOKENIZER_NOT_FOUND',
      'TOKENIZER_MISMATCH',
      'ENGINE_FAILED',
      'SERVICE_BUSY',
    ),
  },
});

export function completionRoutes(app: App, context: ServerContext): void {
  const { workspace, generation } = context;
  app.openapi(completions, async (c) => {
    const request = c.req.valid('json');
    await readModel(workspace, request.model);
    const texts = textsOf(request, randomInt(2 ** 32));
    if (request.stream !== true) {
      return c.json(await complete(generation, request, texts, c.req.raw.signal), 200);
    }
    const abort = new AbortController();
    c.req.raw.signal.addEventListener('abort', () => abort.abort());
    const chunks = completeInChunks(generation, request, texts, abort.signal);
    // What is refused at once is refused with a status.
    const first = await chunks.next();
    const events = async function* (): AsyncGenerator<ServerSentEvent> {
      try {
        for (let chunk = first; chunk.done !== true; chunk = await chunks.next()) {
          yield { data: JSON.stringify(chunk.value) };
        }
        yield { data: '[DONE]' };
      } catch (error) {
        yield await problemEvent(error, c, context.log);
      } finally {
        await chunks.return(undefined);
      }
    };
    return c.body(
      eventStream(events(), abort, () => undefined),
      200,
      SSE_HEADERS,
    );
  });
}
