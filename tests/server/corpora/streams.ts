/** Bodies of requests that fail. */
import { setTimeout } from 'node:timers/promises';

/** Long enough for what was sent to be taken: an error empties the queue of a stream. */
const PAUSE_MS = 50;

/** Sends the parts, then breaks off as a lost connection does. */
export function brokenStream(...parts: (Uint8Array | string)[]): ReadableStream {
  let sent = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        if (sent === parts.length) {
          await setTimeout(PAUSE_MS);
          controller.error(new Error('the connection is lost'));
          return;
        }
        controller.enqueue(Buffer.from(parts[sent] as string));
        sent += 1;
      },
    },
    { highWaterMark: 0 },
  );
}
