/**
 * Opens a dataset for writing: its configuration (created with the first ingest, compared by later ones), its policy
 * and a DuckDB that spills into the workspace.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { TokenmillError } from '../core/errors.js';
import { ensureFolder } from '../core/files.js';
import { dedupConfig } from '../filters/dedup/settings.js';
import { loadPolicy, policyFromSql, type Policy } from '../filters/policy.js';
import { openDatabase } from '../store/database.js';
import type { Workspace } from '../store/workspace.js';
import { trainingSize } from './dataset-tokenizer.js';
import {
  checkAgainstDataset,
  DATASET_DEFAULTS,
  datasetConfigSchema,
  type DatasetConfig,
  type IngestOptions,
} from './options.js';

/** Changes whenever text or signals of the same record would come out differently. */
export const EXTRACTOR_VERSION = 'tokenmill-2';

export interface OpenDataset {
  readonly config: DatasetConfig;
  readonly policy: Policy;
  readonly connection: DuckDBConnection;
  close(): Promise<void>;
}

export async function openForIngest(workspace: Workspace, options: IngestOptions): Promise<OpenDataset> {
  const { config, policy } = await configure(workspace, options);
  const scratch = join(workspace.root, 'tmp');
  await ensureFolder(scratch);
  const folder = await mkdtemp(join(scratch, 'ingest-'));
  const database = await openDatabase({ memoryLimit: options.memory, temporaryFolder: folder });
  return {
    config,
    policy,
    connection: database.connection,
    async close() {
      database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function configure(
  workspace: Workspace,
  options: IngestOptions,
): Promise<{ config: DatasetConfig; policy: Policy }> {
  const asked =
    options.policy === undefined ? undefined : await loadPolicy(options.policy, { set: options.set });
  if (await workspace.hasDataset(options.dataset)) {
    const config = await readConfig(workspace, options.dataset);
    checkAgainstDataset(config, options, asked);
    return { config, policy: policyFromSql(config.policy.name, config.policy.sql, config.policy.set) };
  }
  const policy = asked ?? (await loadPolicy(DATASET_DEFAULTS.policy, { set: options.set }));
  const tokenizer = options.tokenizer ?? DATASET_DEFAULTS.tokenizer;
  trainingSize(tokenizer);
  const config: DatasetConfig = {
    version: 1,
    dataset: options.dataset,
    extractor: EXTRACTOR_VERSION,
    policy: { name: policy.name, sha256: policy.sha256, sql: policy.sql, set: options.set },
    tokenizer,
    shard_tokens: options.shardTokens ?? DATASET_DEFAULTS.shardTokens,
    valid_fraction: options.validFraction ?? DATASET_DEFAULTS.validFraction,
    dedup: dedupConfig(options),
  };
  await workspace.createDataset(options.dataset, config);
  return { config, policy };
}

async function readConfig(workspace: Workspace, dataset: string): Promise<DatasetConfig> {
  const parsed = datasetConfigSchema.safeParse(await workspace.readDatasetConfig(dataset));
  const file = workspace.dataset(dataset).config;
  if (!parsed.success) {
    throw new TokenmillError(
      'DATASET_CORRUPT',
      `${file}: ${parsed.error.issues[0].path.join('.')}: ${parsed.error.issues[0].message}`,
      {
        place: { file },
      },
    );
  }
  if (parsed.data.extractor !== EXTRACTOR_VERSION) {
    throw new TokenmillError(
      'CONFIG_MISMATCH',
      `dataset ${dataset} was made with extractor ${parsed.data.extractor}, this is ${EXTRACTOR_VERSION}`,
      {
        hint: 'ingest into a new dataset, so that all its documents are measured alike',
      },
    );
  }
  return parsed.data;
}
