/**
 * A generator: a process that has models in memory and continues one text at a time for the service. It is a process
 * because an engine blocks its thread while it computes, and because a crash in native code must not take the service
 * with it. It ends when the service does.
 */
import { TokenmillError } from '../../core/errors.js';
import { Workspace } from '../../store/workspace.js';
import type { GeneratorOrder, SequenceEvent, SequenceRequest } from './messages.js';
import { ModelCache } from './model-cache.js';
import { runSequence } from './sequence.js';

const [root, capBytes] = process.argv.slice(2);
const cache = new ModelCache(new Workspace(root), Number(capBytes), (message) => {
  process.stderr.write(`generator: ${message}\n`);
});
let running: AbortController | undefined;

const send = (event: SequenceEvent): void => {
  process.send?.(event);
};

async function work(request: SequenceRequest, signal: AbortSignal): Promise<void> {
  try {
    const { program, tokenizer } = await cache.get(request.run, request.checkpoint);
    for await (const event of runSequence(program, tokenizer, request, signal)) send(event);
  } catch (error) {
    const known = error instanceof TokenmillError ? error : undefined;
    send({
      type: 'error',
      error: {
        code: known?.code ?? 'ENGINE_FAILED',
        message: error instanceof Error ? error.message : String(error),
        hint: known?.hint ?? null,
      },
    });
  }
}

process.on('message', (order: GeneratorOrder) => {
  if (order.kind === 'cancel') {
    running?.abort();
    return;
  }
  running = new AbortController();
  void work(order.request, running.signal);
});
process.on('disconnect', () => process.exit(0));
// A Ctrl-C in the service's terminal is for the service, which ends its generators.
process.on('SIGINT', () => undefined);
