/** Content as a file of its own for as long as it is used, for readers that begin at the end of a file. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromSystemError } from '../../core/errors.js';
import type { OpenContent } from './content.js';

/**
 * @param use what is to be done with the file at the path
 * @throws TokenmillError DISK_FULL where it does not fit into the folder for temporary files
 */
export async function* spool<T>(
  content: OpenContent,
  use: (path: string) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-spool-'));
  const path = join(folder, 'content');
  try {
    try {
      const file = await open(path, 'wx');
      try {
        // What damage takes away is missed by whoever reads the file.
        for await (const piece of content.pieces)
          if (piece.kind === 'content') await file.writeFile(piece.bytes);
      } finally {
        await file.close();
        await content.close();
      }
    } catch (error) {
      throw fromSystemError(error, path);
    }
    yield* use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
