/**
 * Settings of an ingest: those that belong to the dataset for good (they decide the output, and are written to
 * dataset.json when it is created) and those of one run (they change speed and memory, never the output).
 */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { byteSize, integer } from '../core/config.js';
import { TokenmillError } from '../core/errors.js';
import { dedupConfig, dedupConfigSchema, dedupSettings } from '../filters/dedup/settings.js';
import type { Policy } from '../filters/policy.js';
import { DEFAULT_READING, readingAsked, readingConfigSchema, readingSettings } from './reading.js';
import { FORMATS, type FieldNames } from './records.js';
import { textConfigSchema, textSettings, type TextConfig } from '../filters/text-treatment.js';

/** More threads than this gain nothing here: one main thread reads and writes for all of them. */
const MAX_WORKERS = 64;

export const ingestOptionsSchema = z.object({
  dataset: z.string().default('default').describe('dataset that the documents go to'),
  policy: z
    .string()
    .optional()
    .describe('policy that decides what is kept: a name in sql/policies or a SQL file (default: gopher)'),
  tokenizer: z
    .string()
    .optional()
    .describe(
      'tokenizer: a name, a file or folder, or train:SIZE to train one on the first 32 MB of kept text (default: train:8192)',
    ),
  shardTokens: integer(1).optional().describe('tokens of a full shard (default: 4194304)'),
  validFraction: z.coerce
    .number()
    .min(0)
    .max(0.5)
    .optional()
    .describe('share of documents held out for validation (default: 0.02)'),
  set: z.record(z.string(), z.string()).default({}).describe('thresholds of the policy: name=value'),
  ...dedupSettings,
  ...textSettings,
  ...readingSettings,
  format: z.enum(FORMATS).optional().describe('format of the inputs, where it cannot be detected'),
  textField: z
    .string()
    .min(1)
    .optional()
    .describe('field of JSONL, CSV or Parquet that has the text, such as body or page.text'),
  idField: z.string().min(1).optional().describe("field that has the document's own id"),
  urlField: z.string().min(1).optional().describe("field that has the document's address"),
  workers: integer(1, MAX_WORKERS).default(availableParallelism()).describe('worker threads'),
  window: byteSize.pipe(z.number().min(1)).default(32e6).describe('bytes of records between two commits'),
  memory: z
    .string()
    .regex(/^\d+(\.\d+)?\s*[KMG]B$/i, 'a size such as 1GB')
    .default('256MB')
    .describe('memory that DuckDB may use before it spills to disk'),
});

export type IngestOptions = z.output<typeof ingestOptionsSchema>;

/** Defaults of the settings that belong to a dataset. */
export const DATASET_DEFAULTS = {
  policy: 'gopher',
  tokenizer: 'train:8192',
  shardTokens: 4_194_304,
  validFraction: 0.02,
} as const;

/** The fields that were named; undefined where none was. */
export function namedFields({ textField, idField, urlField }: IngestOptions): FieldNames | undefined {
  const named = { text: textField, id: idField, url: urlField };
  const given = Object.entries(named).filter(([, name]) => name !== undefined);
  return given.length === 0 ? undefined : (Object.fromEntries(given) as FieldNames);
}

export const datasetConfigSchema = z.object({
  version: z.literal(1),
  dataset: z.string(),
  /** Version of text extraction and signals; documents of different versions are not mixed in one dataset. */
  extractor: z.string(),
  policy: z.object({
    name: z.string(),
    sha256: z.string(),
    sql: z.string(),
    set: z.record(z.string(), z.string()),
  }),
  /** As asked for; the commits name the hash of the tokenizer that it became. */
  tokenizer: z.string(),
  shard_tokens: z.number().int(),
  valid_fraction: z.number(),
  dedup: dedupConfigSchema,
  // What an older version wrote can be shown still, though nothing can be added to it.
  reading: readingConfigSchema.default(DEFAULT_READING),
  text: textConfigSchema.default({ transform: null, mask: null, url_lists_sha256: null }),
});

export type DatasetConfig = z.output<typeof datasetConfigSchema>;

/**
 * Checks that what this run asks for explicitly is what the dataset was created with.
 * @throws TokenmillError CONFIG_MISMATCH naming the setting and both values
 */
export function checkAgainstDataset(
  config: DatasetConfig,
  options: IngestOptions,
  policy: Policy | undefined,
  text: TextConfig,
): void {
  const asked: [string, string | number | undefined, string | number][] = [
    [
      'policy',
      policy?.sha256 === undefined
        ? undefined
        : policy.name + (policy.sha256 === config.policy.sha256 ? '' : ' (changed)'),
      config.policy.name,
    ],
    ['tokenizer', options.tokenizer, config.tokenizer],
    ['shard-tokens', options.shardTokens, config.shard_tokens],
    ['valid-fraction', options.validFraction, config.valid_fraction],
    ...dedupAsked(config, options),
    ...readingAsked(config.reading, options),
    ['transform', text.transform ?? undefined, config.text.transform ?? 'none'],
    ['mask', text.mask ?? undefined, config.text.mask ?? 'none'],
    ['url-lists', text.url_lists_sha256 ?? undefined, config.text.url_lists_sha256 ?? 'none'],
  ];
  for (const [name, wanted, has] of asked) {
    if (wanted === undefined || wanted === has) continue;
    throw new TokenmillError(
      'CONFIG_MISMATCH',
      `dataset ${config.dataset} was created with --${name} ${has}, not ${wanted}`,
      {
        hint: `leave --${name} out to continue it, or choose another name with --dataset`,
      },
    );
  }
}

/** The settings of deduplication that were asked for, each with the others as the dataset has them. */
function dedupAsked(config: DatasetConfig, options: IngestOptions): [string, string, string][] {
  const asked = dedupConfig(options);
  const parts: [string, boolean, unknown, unknown][] = [
    [
      'minhash',
      options.minhash !== undefined || options.threshold !== undefined,
      asked.minhash,
      config.dedup.minhash,
    ],
    ['shingle', options.shingle !== undefined, asked.minhash.shingle, config.dedup.minhash.shingle],
    ['verify', options.verify !== undefined, asked.verify, config.dedup.verify],
    ['exact', options.exact !== undefined, asked.exact, config.dedup.exact],
  ];
  return parts
    .filter(([, given]) => given)
    .map(([name, , wanted, has]) => [name, JSON.stringify(wanted), JSON.stringify(has)]);
}
