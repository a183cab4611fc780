/**
 * What a job can be asked to do, and the command line that does it.
 *
 * A request decides everything but which addresses may be reached: names of things in the workspace, addresses, numbers and
 * flags, never a path of the machine, since it comes from whoever has a token. Every value goes to the command as
 * `--flag=value` or behind `--`, so none is taken for a flag.
 */
// Not 'zod' itself: the routes describe these schemas, which only those made behind this import can do.
import { z } from '@hono/zod-openapi';
import { NORMALIZATIONS } from '../../ingest/formats/normalize.js';
import { TEXT_FORMS } from '../../ingest/reading.js';
import { FORMATS } from '../../ingest/records.js';
import { PATTERN_NAMES } from '../../tokenizer/patterns.js';
import { PRESET_NAMES } from '../../trainer/models/presets.js';

const MAX_FILES = 10_000;
/** Together a quarter of what the arguments of a process may have in Linux. */
export const MAX_URLS = 500;
export const MAX_URL_LENGTH = 1_000;
const MAX_SPECIALS = 1_000;
const MAX_SPECIAL_LENGTH = 200;
const MAX_PATTERN_LENGTH = 2_000;

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'not a name of letters, digits, dots, dashes and underscores');
const file = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._+=@,-]*$/, 'not the name of a file of a corpus');
/** What else it may not be is for `check.ts`. */
const url = z
  .string()
  .max(MAX_URL_LENGTH)
  .regex(/^https?:\/\/[!-~]+$/, 'not an address that begins with http:// or https://, in ASCII');
const fieldPath = z.string().min(1).max(200);
const count = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const share = z.number().min(0).max(1);
const seed = z.number().int().min(0).max(0xffff_ffff);
const threads = z.number().int().min(1).max(64);

/** As `policy diff` has it. */
const MAX_EXAMPLES = 1_000;
const thresholds = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/), z.union([z.number(), z.string().max(200)]))
  .optional();

const corpus = name.describe('the corpus whose files are read');
const files = z.array(file).min(1).max(MAX_FILES).optional().describe('only these files of it; default: all');

export const ingestRequestSchema = z.strictObject({
  kind: z.literal('ingest'),
  corpus: corpus.optional(),
  files,
  urls: z
    .array(url)
    .min(1)
    .max(MAX_URLS)
    .optional()
    .describe(
      'addresses that are downloaded and read behind the files of the corpus, or in place of a corpus; ' +
        'of the public network, unless the service allows others',
    ),
  dataset: name.default('default').describe('the dataset that the documents go to'),
  policy: name.optional().describe('name of a policy; default for a new dataset: gopher'),
  set: thresholds.describe('thresholds of the policy'),
  tokenizer: z
    .string()
    .regex(/^(train:\d{1,7}|[A-Za-z0-9][A-Za-z0-9._-]{0,63})$/, 'neither a name nor train:SIZE')
    .optional()
    .describe('name of a tokenizer, or train:SIZE; default for a new dataset: train:8192'),
  shard_tokens: count.optional().describe('tokens of a full shard'),
  valid_fraction: z.number().min(0).max(0.5).optional().describe('share of documents held out'),
  format: z.enum(FORMATS).optional().describe('format of the files, where it cannot be detected'),
  text_field: fieldPath.optional().describe('field of JSONL, CSV or Parquet that has the text'),
  id_field: fieldPath.optional().describe("field that has the document's own id"),
  url_field: fieldPath.optional().describe("field that has the document's address"),
  extract: z.enum(TEXT_FORMS).optional().describe('form of the text of HTML pages; default: text'),
  keep_links: z.boolean().optional().describe('keep the addresses of links in Markdown'),
  keep_comments: z.boolean().optional().describe("keep readers' comments on a page"),
  normalize: z
    .string()
    .regex(/^[a-z,]{1,100}$/, 'not names of steps with commas between them')
    .optional()
    .describe(`steps of normalisation: none, or any of ${NORMALIZATIONS.join(', ')}; default: control`),
  extract_timeout: z
    .number()
    .min(0.001)
    .max(3600)
    .optional()
    .describe('seconds that one document may take to be read'),
  workers: threads.optional().describe('worker threads'),
  window: count.optional().describe('bytes of records between two commits'),
});

export const tokenizerRequestSchema = z.strictObject({
  kind: z.literal('tokenizer'),
  name: name.describe('what the tokenizer will be called'),
  corpus,
  files,
  vocab_size: z.number().int().min(256).max(1_000_000),
  specials: z
    .array(z.string().min(1).max(MAX_SPECIAL_LENGTH))
    .max(MAX_SPECIALS)
    .default(['<|endoftext|>'])
    .describe('special tokens, never merged'),
  pattern: z
    .string()
    .min(1)
    .max(MAX_PATTERN_LENGTH)
    .default('gpt2')
    .describe(`how text is cut before merging: ${PATTERN_NAMES.join(', ')}, or a regular expression`),
  min_frequency: count.optional().describe('pairs seen less often are not merged'),
});

export const trainRequestSchema = z.strictObject({
  kind: z.literal('train'),
  dataset: name.default('default').describe('the dataset to train on'),
  run: name.optional().describe('name of the run; default: dataset and model'),
  model: z.enum(PRESET_NAMES as [string, ...string[]]).default('tiny'),
  steps: count.optional().describe('steps of the whole run; more of them continue a finished one'),
  batch: count.max(1 << 20).optional(),
  context: count.max(1 << 24).optional(),
  learning_rate: z.number().positive().optional(),
  min_learning_rate: z.number().min(0).optional(),
  warmup: z.number().int().min(0).optional(),
  weight_decay: z.number().min(0).optional(),
  beta1: share.optional(),
  beta2: share.optional(),
  clip: z.number().min(0).optional(),
  seed: seed.optional(),
  replay: z.boolean().optional().describe('read all shards and leave the queue alone'),
  follow: z.boolean().optional().describe('wait for new shards where the queue is empty'),
  eval_every: count.optional(),
  eval_tokens: count.optional(),
  checkpoint_every: count.optional(),
  keep: count.optional().describe('checkpoints that are kept'),
  threads: threads.optional(),
});

export const policyDiffRequestSchema = z.strictObject({
  kind: z.literal('policy-diff'),
  dataset: name.default('default').describe('the dataset whose stored signals are judged'),
  a: name.describe('name of a policy'),
  b: name.describe('name of the policy to compare with it'),
  set: thresholds.describe('thresholds of policy b'),
  examples: z
    .number()
    .int()
    .min(0)
    .max(MAX_EXAMPLES)
    .optional()
    .describe('documents shown for each direction; default: 3'),
});

export const jobRequestSchema = z.discriminatedUnion('kind', [
  ingestRequestSchema,
  tokenizerRequestSchema,
  trainRequestSchema,
  policyDiffRequestSchema,
]);

export const JOB_KINDS = ['ingest', 'tokenizer', 'train', 'policy-diff'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** As a client gives it: what has a default may be left out. */
export type JobRequestInput = z.input<typeof jobRequestSchema>;
export type JobRequest = z.output<typeof jobRequestSchema>;

/** What only one job at a time may write, for example `dataset crawl`; undefined for a job that writes nothing. */
export function resourceOf(request: JobRequest): string | undefined {
  switch (request.kind) {
    case 'ingest':
      return `dataset ${request.dataset}`;
    case 'tokenizer':
      return `tokenizer ${request.name}`;
    case 'train':
      return `run ${runOf(request)}`;
    case 'policy-diff':
      return undefined;
  }
}

/** The run that a request trains, named as the command would name it. */
export function runOf({ run, dataset, model }: Extract<JobRequest, { kind: 'train' }>): string {
  return run ?? `${dataset}-${model}`;
}

/** What the operator of the service lets jobs do, whatever they ask for. */
export interface JobAccess {
  readonly allowPrivateAddresses: boolean;
}

/** Arguments of the command line, without the program. */
export function commandOf(request: JobRequest, workspace: string, access: JobAccess): string[] {
  switch (request.kind) {
    case 'ingest': {
      const { kind: _, files: named = [], urls = [], set = {}, ...settings } = request;
      const where = [`--workspace=${workspace}`, '--json'];
      if (!access.allowPrivateAddresses) where.push('--public-addresses');
      return ['ingest', ...where, ...flags(settings), ...setFlags(set), '--', ...named, ...urls];
    }
    case 'tokenizer': {
      const { kind: _, files: named = [], name: out, specials, ...settings } = request;
      const special = specials.map((text) => `--special=${text}`);
      const where = [`--workspace=${workspace}`, `--save-as=${out}`];
      return ['tokenizer', 'train', ...where, '--json', ...flags(settings), ...special, '--', ...named];
    }
    case 'train': {
      const { kind: _, run: __, ...settings } = request;
      return ['train', `--workspace=${workspace}`, `--run=${runOf(request)}`, '--json', ...flags(settings)];
    }
    case 'policy-diff': {
      const { kind: _, a, b, set = {}, ...settings } = request;
      const where = `--workspace=${workspace}`;
      return ['policy', 'diff', where, '--json', ...flags(settings), ...setFlags(set), '--', a, b];
    }
  }
}

function setFlags(set: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(set).map(([key, value]) => `--set=${key}=${value}`);
}

/** `{ shard_tokens: 5, replay: true }` -> `--shard-tokens=5 --replay` */
function flags(settings: Readonly<Record<string, string | number | boolean | undefined>>): string[] {
  return Object.entries(settings).flatMap(([key, value]) => {
    if (value === undefined || value === false) return [];
    const flag = `--${key.replaceAll('_', '-')}`;
    return value === true ? [flag] : [`${flag}=${value}`];
  });
}
