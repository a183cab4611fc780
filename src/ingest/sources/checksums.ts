/** Files of checksums as sha256sum, md5sum and their kind write them: `HEX  NAME` a line, or `HEX *NAME`. */
import { readFile } from 'node:fs/promises';
import { fromSystemError, TokenmillError } from '../../core/errors.js';
import type { Checksum, ChecksumAlgorithm } from './http/download.js';

const ALGORITHMS: Record<number, ChecksumAlgorithm> = { 32: 'md5', 40: 'sha1', 64: 'sha256', 128: 'sha512' };

/**
 * The checksum of an address by its whole text, or by the last part of its path.
 * @throws TokenmillError FILE_NOT_FOUND, INPUT_CORRUPT
 */
export async function readChecksums(path: string): Promise<(url: string) => Checksum | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw fromSystemError(error, path);
  });
  const byName = new Map<string, Checksum>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    const match = /^\\?([0-9a-f]+)[ \t]+\*?(.+)$/i.exec(line);
    const algorithm = ALGORITHMS[match?.[1].length ?? 0] as ChecksumAlgorithm | undefined;
    if (match === null || algorithm === undefined) {
      throw new TokenmillError('INPUT_CORRUPT', `${path} has a line that is no checksum`, {
        place: { file: path, line: index + 1 },
        hint: 'lines look as sha256sum writes them: HEX, two spaces, NAME',
      });
    }
    byName.set(match[2].trim(), { algorithm, hex: match[1].toLowerCase() });
  });
  return (url) => {
    const { pathname } = new URL(url);
    return byName.get(url) ?? byName.get(decodeURIComponent(pathname.slice(pathname.lastIndexOf('/') + 1)));
  };
}
