/** Bytes of an address from an offset on, without a file of its own: for records that are fetched again. */
import { anyAddress } from './address-rule.js';
import { TokenmillError } from '../../../core/errors.js';
import type { ByteReader } from '../bytes.js';
import { transfer, type TransferLimits } from './transfer.js';

/** Beginning anew is for downloads: here what was read cannot be taken back. */
const LIMITS: Partial<TransferLimits> = { retries: 4, maxBackoffMs: 8_000 };

/** @throws TokenmillError DOWNLOAD_FAILED, ADDRESS_FORBIDDEN; SOURCE_CHANGED where the file changes while it is read */
export async function openUrl(url: string, offset: number, limits = LIMITS): Promise<ByteReader> {
  const steps = transfer(url, { rule: anyAddress, limits, from: { offset } });
  let position = offset;
  let wanted = offset;
  return {
    async read() {
      for (;;) {
        const { done, value } = await steps.next();
        if (done === true) return undefined;
        if (value.kind === 'begin') {
          if (value.offset !== position && wanted > offset) {
            throw new TokenmillError('SOURCE_CHANGED', `${url} changed while it was read`, {
              hint: 'read it again from its beginning',
            });
          }
          position = value.offset;
          continue;
        }
        // A server that ignores ranges sends what lies before, too.
        const start = Math.max(0, wanted - position);
        position += value.bytes.length;
        if (start >= value.bytes.length) continue;
        wanted = position;
        return value.bytes.subarray(start);
      }
    },
    async close() {
      await steps.return(undefined);
    },
  };
}
