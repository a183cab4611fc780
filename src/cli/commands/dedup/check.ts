/** `tokenmill dedup check`: finds the duplicates of a dataset again, all at once in SQL, and compares with its verdicts. */
import { Command } from 'commander';
import { z } from 'zod';
import { integer } from '../../../core/config.js';
import { TokenmillError } from '../../../core/errors.js';
import { formatCount } from '../../../core/format.js';
import { dedupBatch } from '../../../filters/dedup/batch.js';
import { datasetConfigSchema } from '../../../ingest/options.js';
import { openWorkspace, settingsOf, withSettings, withWorkspace, write } from '../../context.js';
import { withViews } from '../../views.js';
import { SIGNATURES } from './dataset.js';

const checkSchema = z.object({
  dataset: z.string().default('default').describe('dataset to check'),
  partitions: integer(1, 1000)
    .default(1)
    .describe('parts in which keys are compared, as machines of a cluster would'),
});

export function checkCommand(): Command {
  const command = new Command('check')
    .description(
      'Joins all signatures of a dataset at once, or by partitions of the keys, and compares the duplicates with those that ingest found window by window.',
    )
    .addHelpText('after', '\nExamples:\n  tokenmill dedup check --dataset crawl --partitions 14');
  withWorkspace(withSettings(command, checkSchema));
  return command.action(run);
}

async function run(flags: Record<string, unknown> & { workspace?: string }): Promise<void> {
  const { dataset, partitions } = await settingsOf('dedup-check', checkSchema, flags);
  const { dedup } = datasetConfigSchema.parse(await openWorkspace(flags).readDatasetConfig(dataset));
  await withViews({ workspace: flags.workspace, dataset }, async (connection) => {
    const expected = await dedupBatch(connection, {
      source: SIGNATURES,
      partitions,
      verify: dedup.verify ?? undefined,
    });
    const result = await connection.runAndReadAll(
      `SELECT ordinal::DOUBLE, document_id, reason, duplicate_of, jaccard FROM documents
       WHERE duplicate_of IS NOT NULL ORDER BY ordinal`,
    );
    const recorded = result.getRows();
    const same = (i: number): boolean => {
      const [ordinal, , reason, duplicateOf, jaccard] = recorded[i] ?? [];
      const other = expected[i];
      return (
        ordinal === other?.ordinal &&
        reason === other.reason &&
        duplicateOf === other.duplicateOf &&
        jaccard === other.jaccard
      );
    };
    const count = Math.max(recorded.length, expected.length);
    for (let i = 0; i < count; i++) {
      if (same(i)) continue;
      throw new TokenmillError(
        'DATASET_CORRUPT',
        `dataset ${dataset}: duplicate ${i + 1} of ${count} is ${JSON.stringify(recorded[i] ?? null)} by ingest, ${JSON.stringify(expected[i] ?? null)} by the batch`,
      );
    }
    await write(`${formatCount(count)} duplicates, the same as by ingest\n`);
  });
}
