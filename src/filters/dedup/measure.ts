/** What deduplication must know of a document, from its text and where it was found. Pure; runs in workers. */
import { shingleSet } from '../minhash/shingle-set.js';
import { signatureOf } from '../minhash/signature.js';
import type { DedupDocument } from './dedup-index.js';
import { payloadKey, urlKey } from './exact.js';
import type { DedupConfig } from './settings.js';
import { normalizedTextHash } from './text-hash.js';

export interface DedupInput {
  readonly text: string;
  readonly url?: string | null;
  /** `WARC-Payload-Digest`. */
  readonly payloadDigest?: string | null;
  /** `normalizedTextHash` of the text, where it is known already. */
  readonly textHash?: string;
}

export type DedupMeasures = Omit<DedupDocument, 'ordinal' | 'id'>;

export function measureForDedup(
  { text, url, payloadDigest, textHash }: DedupInput,
  config: DedupConfig,
): DedupMeasures {
  const { minhash, exact, verify } = config;
  return {
    textHash: exact.includes('text') ? (textHash ?? normalizedTextHash(text)) : null,
    payloadHash: exact.includes('payload') ? payloadKey(payloadDigest) : null,
    urlHash: exact.includes('url') ? urlKey(url) : null,
    ...signatureOf(text, minhash),
    ...(verify === null ? {} : { shingles: shingleSet(text, minhash) }),
  };
}
