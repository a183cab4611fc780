/** Sizes of addresses, asked for without their content. */
import { requestUrl } from './request.js';
import type { AddressRule } from './address-rule.js';

const PARALLEL = 8;
const IDLE_MS = 15_000;

/** Bytes of each address; null where a server does not say it, or cannot be asked now. */
export async function probeSizes(
  urls: readonly string[],
  rule: AddressRule,
): Promise<Map<string, number | null>> {
  const sizes = new Map<string, number | null>();
  const pending = [...urls];
  const work = async (): Promise<void> => {
    for (let url = pending.shift(); url !== undefined; url = pending.shift()) {
      sizes.set(url, await probeSize(url, rule));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return sizes;
}

async function probeSize(url: string, rule: AddressRule): Promise<number | null> {
  try {
    const { status, headers, body } = await requestUrl(url, { method: 'HEAD', rule, idleMs: IDLE_MS });
    body.destroy();
    const length = headers['content-length'];
    return status === 200 && length !== undefined ? Number(length) : null;
  } catch {
    // Whether it can be had is for the download to find out, which tries more than once.
    return null;
  }
}
