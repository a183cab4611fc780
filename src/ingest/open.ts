/**
 * Opens a dataset for writing: its configuration (created with the first ingest, compared by later ones), its policy
 * and a DuckDB that spills into the workspace.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { TokenmillError } from '../core/errors.js';
import { ensureFolder } from '../core/files.js';
import { canonicalJson } from '../core/hash.js';
import { dedupConfig } from '../filters/dedup/settings.js';
import { loadPolicy, policyFromSql, type Policy } from '../filters/policy.js';
import { prepareTreatment, type TextTreatmentData } from '../filters/text-treatment.js';
import { openDatabase } from '../store/database.js';
import type { Workspace } from '../store/workspace.js';
import { readingConfig } from './reading.js';
import { trainingSize } from './dataset-tokenizer.js';
import {
  checkAgainstDataset,
  DATASET_DEFAULTS,
  datasetConfigSchema,
  type DatasetConfig,
  type IngestOptions,
} from './options.js';

/** Changes whenever text or signals of the same record would come out differently. */
export const EXTRACTOR_VERSION = 'tokenmill-3';

export interface OpenDataset {
  readonly config: DatasetConfig;
  readonly policy: Policy;
  /** What is done to texts, with the lists for their addresses. */
  readonly treatment: TextTreatmentData;
  readonly connection: DuckDBConnection;
  close(): Promise<void>;
}

export async function openForIngest(workspace: Workspace, options: IngestOptions): Promise<OpenDataset> {
  const { config, policy, treatment } = await configure(workspace, options);
  return { config, policy, treatment, ...(await openScratch(workspace, options.memory)) };
}

/** A DuckDB that spills into a folder of its own, which goes with it. */
async function openScratch(
  workspace: Workspace,
  memory: string,
): Promise<Pick<OpenDataset, 'connection' | 'close'>> {
  const scratch = join(workspace.root, 'tmp');
  await ensureFolder(scratch);
  const folder = await mkdtemp(join(scratch, 'ingest-'));
  // One thread: the workers take the cores, and DuckDB's own threads wait for each other in a loop that takes CPU time.
  const database = await openDatabase({ memoryLimit: memory, temporaryFolder: folder, threads: 1 });
  return {
    connection: database.connection,
    async close() {
      database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Opens a new dataset that is configured as another one but for its policy, or one that such a run began.
 * @throws TokenmillError DATASET_NOT_FOUND, CONFIG_MISMATCH where the dataset exists with another configuration
 */
export async function openForReapply(
  workspace: Workspace,
  options: {
    readonly from: string;
    readonly into: string;
    readonly policy: Policy;
    readonly set: Readonly<Record<string, string>>;
    readonly memory: string;
  },
): Promise<OpenDataset> {
  const { policy } = options;
  const old = await readConfig(workspace, options.from);
  const config: DatasetConfig = {
    ...old,
    dataset: options.into,
    policy: { name: policy.name, sha256: policy.sha256, sql: policy.sql, set: { ...options.set } },
  };
  if (await workspace.hasDataset(options.into)) {
    if (canonicalJson(await readConfig(workspace, options.into)) !== canonicalJson(config)) {
      throw new TokenmillError(
        'CONFIG_MISMATCH',
        `dataset ${options.into} exists with another configuration`,
        {
          hint: 'choose another name with --into',
        },
      );
    }
  } else {
    await workspace.createDataset(options.into, config);
  }
  const { transform, mask } = old.text;
  const scratch = await openScratch(workspace, options.memory);
  // The lists are not needed: signals are those that are stored.
  return { config, policy, treatment: { transform, mask, lists: null }, ...scratch };
}

async function configure(
  workspace: Workspace,
  options: IngestOptions,
): Promise<{ config: DatasetConfig; policy: Policy; treatment: TextTreatmentData }> {
  const asked =
    options.policy === undefined ? undefined : await loadPolicy(options.policy, { set: options.set });
  if (await workspace.hasDataset(options.dataset)) {
    const config = await readConfig(workspace, options.dataset);
    const { data, config: text } = await prepareTreatment(options);
    checkAgainstDataset(config, options, asked, text);
    if (config.text.url_lists_sha256 !== null && data.lists === null) {
      throw new TokenmillError('CONFIG_MISMATCH', `dataset ${options.dataset} was created with --url-lists`, {
        hint: 'name the same lists again: a dataset does not store them',
      });
    }
    return {
      config,
      policy: policyFromSql(config.policy.name, config.policy.sql, config.policy.set),
      treatment: { transform: config.text.transform, mask: config.text.mask, lists: data.lists },
    };
  }
  const policy = asked ?? (await loadPolicy(DATASET_DEFAULTS.policy, { set: options.set }));
  const tokenizer = options.tokenizer ?? DATASET_DEFAULTS.tokenizer;
  trainingSize(tokenizer);
  const { data, config: text } = await prepareTreatment(options);
  const config: DatasetConfig = {
    version: 1,
    dataset: options.dataset,
    extractor: EXTRACTOR_VERSION,
    policy: { name: policy.name, sha256: policy.sha256, sql: policy.sql, set: options.set },
    tokenizer,
    shard_tokens: options.shardTokens ?? DATASET_DEFAULTS.shardTokens,
    valid_fraction: options.validFraction ?? DATASET_DEFAULTS.validFraction,
    dedup: dedupConfig(options),
    reading: readingConfig(options),
    text,
  };
  await workspace.createDataset(options.dataset, config);
  return { config, policy, treatment: data };
}

async function readConfig(workspace: Workspace, dataset: string): Promise<DatasetConfig> {
  const content = await workspace.readDatasetConfig(dataset);
  const file = workspace.dataset(dataset).config;
  // Before all else: what another version wrote may lack settings that this one knows.
  const extractor = z.object({ extractor: z.string() }).safeParse(content).data?.extractor;
  if (extractor !== undefined && extractor !== EXTRACTOR_VERSION) {
    throw new TokenmillError(
      'CONFIG_MISMATCH',
      `dataset ${dataset} was made with extractor ${extractor}, this is ${EXTRACTOR_VERSION}`,
      {
        hint: 'ingest into a new dataset, so that all its documents are measured alike',
      },
    );
  }
  const parsed = datasetConfigSchema.safeParse(content);
  if (!parsed.success) {
    throw new TokenmillError(
      'DATASET_CORRUPT',
      `${file}: ${parsed.error.issues[0].path.join('.')}: ${parsed.error.issues[0].message}`,
      {
        place: { file },
      },
    );
  }
  return parsed.data;
}
