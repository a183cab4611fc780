/**
 * Server-sent events (WHATWG HTML, section 9.2) over a response body that is pulled: an event is asked for when the client
 * has taken the one before, so a slow client holds back its source and costs no memory. A client that goes aborts `abort`.
 */
import type { Context } from 'hono';
import { TokenmillError } from '../core/errors.js';
import type { Log } from '../core/log.js';
import type { AppEnv } from './context.js';
import { problemResponse } from './problem.js';

export interface ServerSentEvent {
  readonly id?: number;
  /** Name of the event; without one it is a "message". */
  readonly event?: string;
  /** One line, such as JSON. */
  readonly data: string;
}

/** Milliseconds after which a client that lost its connection is to come back. */
const RETRY_MS = 2_000;
/** Milliseconds of silence after which a comment shows that the stream is alive: proxies cut after a minute or so. */
export const HEARTBEAT_MS = 15_000;

export const SSE_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // Asks nginx not to collect the response.
  'X-Accel-Buffering': 'no',
} as const;

/** Counts the streams that are open, and refuses more than `limit`. */
export class StreamCount {
  open = 0;
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** The result gives the place back, once. @throws TokenmillError SERVICE_BUSY */
  take(): () => void {
    if (this.open >= this.limit) {
      throw new TokenmillError('SERVICE_BUSY', `${this.open} streams are open already`, {
        hint: 'close some, or ask for the state of the job from time to time',
      });
    }
    this.open += 1;
    let given = false;
    return () => {
      if (!given) this.open -= 1;
      given = true;
    };
  }
}

/**
 * The body of a response. Null among the events becomes a heartbeat. `onEnd` is called once, however the stream ends; an
 * error of the source cuts the stream off.
 */
export function eventStream(
  events: AsyncIterator<ServerSentEvent | null>,
  abort: AbortController,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`));
      },
      async pull(controller) {
        try {
          const { done, value } = await events.next();
          if (done === true) {
            onEnd();
            controller.close();
          } else {
            controller.enqueue(encoder.encode(value === null ? ': alive\n\n' : format(value)));
          }
        } catch (error) {
          onEnd();
          controller.error(error);
        }
      },
      async cancel() {
        abort.abort();
        onEnd();
        await events.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function format({ id, event, data }: ServerSentEvent): string {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`;
  return `${head}data: ${data}\n\n`;
}

/** An error that comes when a stream has begun: an event `error` with the problem details. */
export async function problemEvent(error: unknown, c: Context<AppEnv>, log: Log): Promise<ServerSentEvent> {
  return { event: 'error', data: await problemResponse(error, c, log).text() };
}
