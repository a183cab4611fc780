/** `tokenmill dedup clusters`: which documents of a dataset are connected as duplicates, and how two of them differ. */
import { Command } from 'commander';
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { integer } from '../../../core/config.js';
import { TokenmillError } from '../../../core/errors.js';
import { formatCount } from '../../../core/format.js';
import { clusterSizes, findClusters, type Cluster } from '../../../filters/dedup/clusters.js';
import { diffTexts, renderDiff } from '../../../filters/dedup/side-by-side.js';
import { datasetConfigSchema } from '../../../ingest/options.js';
import type { Workspace } from '../../../store/workspace.js';
import { openWorkspace, settingsOf, withSettings, withWorkspace, write } from '../../context.js';
import { withViews } from '../../views.js';
import { documentRows, documentText, SIGNATURES, type DocumentRow } from './dataset.js';

const clustersSchema = z.object({
  dataset: z.string().default('default').describe('dataset to look at'),
  limit: integer(0).default(10).describe('clusters to show, the largest first'),
  examples: integer(1).default(5).describe('documents to show of each'),
  partitions: integer(1, 1000).default(1).describe('parts in which keys are compared, where memory is short'),
});

const TERMINAL_WIDTH = 120;

export function clustersCommand(): Command {
  const command = new Command('clusters')
    .description('Reports the connected components of duplicates in a dataset: sizes and examples.')
    .option('--diff <ids...>', 'instead: two documents side by side, by the first digits of their ids')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  tokenmill dedup clusters --dataset crawl
  tokenmill dedup clusters --dataset crawl --diff 3f2a 91bc
Of a cluster the first document counts as the original; in a diff | marks a changed sentence, < and > one that only one has.`,
    );
  withWorkspace(withSettings(command, clustersSchema));
  return command.action(run);
}

async function run(
  flags: Record<string, unknown> & { workspace?: string; json?: boolean; diff?: string[] },
): Promise<void> {
  const options = await settingsOf('dedup-clusters', clustersSchema, flags);
  const { workspace } = flags;
  await withViews({ workspace, dataset: options.dataset }, async (connection) => {
    if (flags.diff === undefined) await report(connection, options, flags.json === true);
    else await showDiff(connection, openWorkspace(flags), flags.diff, flags.json === true);
  });
}

async function report(
  connection: DuckDBConnection,
  { limit, examples, partitions }: z.output<typeof clustersSchema>,
  asJson: boolean,
): Promise<void> {
  const clusters = await findClusters(connection, SIGNATURES, partitions);
  const shown = clusters.slice(0, limit);
  const of = ({ ordinals }: Cluster): readonly number[] => ordinals.slice(0, examples);
  const rows = await documentRows(connection, shown.flatMap(of));
  const documents = (cluster: Cluster): DocumentRow[] =>
    of(cluster).map((ordinal) => rows.get(ordinal) as DocumentRow);
  const involved = clusters.reduce((sum, { ordinals }) => sum + ordinals.length, 0);
  if (asJson) {
    await write(
      `${JSON.stringify({
        clusters: clusters.length,
        documents: involved,
        sizes: clusterSizes(clusters),
        largest: shown.map((cluster) => ({ size: cluster.ordinals.length, documents: documents(cluster) })),
      })}\n`,
    );
    return;
  }
  await write(
    `${formatCount(clusters.length)} clusters of ${formatCount(involved)} documents\n\n     size  clusters\n`,
  );
  for (const { size, clusters: count } of clusterSizes(clusters)) {
    await write(`${formatCount(size).padStart(9)}  ${formatCount(count).padStart(8)}\n`);
  }
  for (const cluster of shown) {
    await write(`\n${formatCount(cluster.ordinals.length)} documents\n`);
    for (const { id, url, source, verdict, jaccard } of documents(cluster)) {
      const similarity = jaccard === null ? '    ' : jaccard.toFixed(2);
      await write(`  ${id.slice(0, 12)}  ${verdict.padEnd(4)}  ${similarity}  ${url ?? source}\n`);
    }
    const rest = cluster.ordinals.length - examples;
    if (rest > 0) await write(`  and ${formatCount(rest)} more\n`);
  }
}

async function showDiff(
  connection: DuckDBConnection,
  workspace: Workspace,
  ids: readonly string[],
  asJson: boolean,
): Promise<void> {
  if (ids.length !== 2 || !ids.every((id) => /^[0-9a-f]{1,32}$/.test(id))) {
    throw new TokenmillError('USAGE', '--diff takes the beginnings of two document ids (hexadecimal digits)');
  }
  const textOf = (id: string): Promise<string> =>
    documentText(
      connection,
      id,
      async (dataset) => datasetConfigSchema.parse(await workspace.readDatasetConfig(dataset)).reading,
    );
  const rows = diffTexts(await textOf(ids[0]), await textOf(ids[1]));
  const width = process.stdout.columns ?? TERMINAL_WIDTH;
  await write(asJson ? `${JSON.stringify(rows)}\n` : renderDiff(rows, width));
}
