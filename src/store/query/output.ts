/** Writes the parts of a result to a stream at the pace of its reader. */
import type { Writable } from 'node:stream';

/** Error codes of a stream whose reader has gone. */
const READER_GONE = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/** Writes the parts in order, each when the one before was taken. A reader that has gone ends it; that is no error. */
export async function writeParts(parts: AsyncIterable<string | Uint8Array>, output: Writable): Promise<void> {
  const ignore = (): void => undefined;
  // A stream reports a failed write twice; without a listener the second report would end the process.
  output.on('error', ignore);
  for await (const part of parts) {
    if (!(await writePart(part, output))) return;
  }
  output.off('error', ignore);
}

/** False where the reader has gone. */
async function writePart(part: string | Uint8Array, output: Writable): Promise<boolean> {
  if (output.destroyed) return false;
  return new Promise((resolve, reject) => {
    const closed = (): void => resolve(false);
    output.once('close', closed);
    output.write(part, (error) => {
      output.off('close', closed);
      if (error === null || error === undefined) resolve(true);
      else if (READER_GONE.has((error as NodeJS.ErrnoException).code ?? '')) resolve(false);
      else reject(error);
    });
  });
}
