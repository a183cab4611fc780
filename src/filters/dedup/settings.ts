/** How duplicates are found: what a person may ask for, and what it means. A dataset keeps it for good. */
import { z } from 'zod';
import { TokenmillError } from '../../core/errors.js';
import { minhashParameters, minhashSchema, PRESET_NAMES } from '../minhash/parameters.js';

const EXACT_NAMES = ['text', 'payload', 'url'] as const;

export const dedupConfigSchema = z.strictObject({
  minhash: minhashSchema,
  /** Exact Jaccard similarity from which documents that share a band are duplicates; null: all that share one. */
  verify: z.number().gt(0).max(1).nullable(),
  /** Keys that make documents exact duplicates. */
  exact: z.array(z.enum(EXACT_NAMES)),
});

export type DedupConfig = Readonly<z.output<typeof dedupConfigSchema>>;

/** Settings of the commands that deduplicate documents. */
export const dedupSettings = {
  minhash: z
    .string()
    .optional()
    .describe(
      `MinHash parameters: ${PRESET_NAMES.join(', ')}, or BANDSxROWS such as 14x8 (default: fineweb, 14x8 over 5 words)`,
    ),
  threshold: z.coerce
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe('plan bands and rows so that texts of this Jaccard similarity are found with about even odds'),
  shingle: z
    .string()
    .optional()
    .describe('what is compared: words:N or characters:N (default: the preset says)'),
  verify: z.coerce
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('count only candidates of at least this exact Jaccard similarity (default for cs336: 0.8)'),
  exact: z
    .string()
    .optional()
    .describe(
      'keys that make documents exact duplicates: any of text, payload (digest in the WARC record), url (default: text)',
    ),
};

export interface DedupRequest {
  readonly minhash?: string;
  readonly threshold?: number;
  readonly shingle?: string;
  readonly verify?: number;
  readonly exact?: string;
}

/** @throws TokenmillError CONFIG_INVALID */
export function dedupConfig(request: DedupRequest): DedupConfig {
  return {
    minhash: minhashParameters(request),
    verify: request.verify ?? (request.minhash === 'cs336' ? 0.8 : null),
    exact: (request.exact ?? 'text')
      .split(',')
      .filter((name) => name !== '')
      .map(exactName),
  };
}

export const DEFAULT_DEDUP = dedupConfig({});

function exactName(text: string): (typeof EXACT_NAMES)[number] {
  const name = EXACT_NAMES.find((known) => known === text.trim());
  if (name !== undefined) return name;
  throw new TokenmillError('CONFIG_INVALID', `${text} is no key of exact duplicates`, {
    hint: `keys are ${EXACT_NAMES.join(', ')}, separated by commas`,
  });
}
