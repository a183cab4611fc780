/**
 * A query process: runs queries for the service, one at a time, so that a statement that eats memory or cannot be
 * interrupted takes down this process and nothing else. Messages come over Node's channel, results go out in frames.
 *
 * It ends when its parent does, and kills itself when it holds more memory than it may: DuckDB's own limit does not
 * count everything that a function allocates.
 */
import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { encodeError, encodeFrame, FRAME } from './frames.js';
import type { QueryRequest } from './run.js';
import { QuerySession, type SessionOptions } from './session.js';
import { FRAMES_DESCRIPTOR, type WorkerMessage } from './worker-message.js';

const MEMORY_CHECK_MS = 20;

const output = new Socket({ fd: FRAMES_DESCRIPTOR, readable: false, writable: true });
output.on('error', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
// Ctrl-C in a terminal reaches the whole group; this process ends when its parent has drained what it runs.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);

let session: Promise<QuerySession> | undefined;
let running: AbortController | undefined;
let residentBytes = Number.POSITIVE_INFINITY;

process.on('message', (message: WorkerMessage) => {
  switch (message.kind) {
    case 'open':
      residentBytes = message.residentBytes;
      session = openSession(message.options);
      // Its failure is the answer of the first query.
      void session.then(ready, ready);
      break;
    case 'run':
      void run(message.request);
      break;
    case 'cancel':
      running?.abort();
  }
});

async function ready(): Promise<void> {
  await send(FRAME.ready, '');
}

async function openSession(options: SessionOptions): Promise<QuerySession> {
  try {
    // Where memory runs out in spite of all limits, this process goes first.
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Not Linux.
  }
  const opened = await QuerySession.open(options);
  // What is wrong with the workspace is told to whoever asks.
  await opened.prepare().catch(() => undefined);
  return opened;
}

async function run(request: QueryRequest): Promise<void> {
  const cancelled = new AbortController();
  running = cancelled;
  const watch = setInterval(() => {
    if (process.memoryUsage.rss() > residentBytes) process.kill(process.pid, 'SIGKILL');
  }, MEMORY_CHECK_MS);
  try {
    const opened = (await session) as QuerySession;
    for await (const part of opened.query(request, cancelled.signal)) await send(FRAME.data, part);
    await send(FRAME.end, '');
  } catch (error) {
    await send(FRAME.failure, encodeError(error));
  } finally {
    clearInterval(watch);
    running = undefined;
  }
}

async function send(kind: number, payload: string | Uint8Array): Promise<void> {
  if (output.write(encodeFrame(kind, payload))) return;
  await new Promise<void>((resolve) => output.once('drain', resolve));
}
